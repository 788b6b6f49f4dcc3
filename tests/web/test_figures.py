"""What the stats overlay makes of the browser's and the server's figures."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.web.conftest import run

pytestmark = pytest.mark.browser

READING = {
    "at": 0,
    "codec": "H.264 4:4:4",
    "width": 1920,
    "height": 1080,
    "framesReceived": 0,
    "framesDecoded": 0,
    "framesDropped": 1,
    "keyFramesDecoded": 0,
    "bytesReceived": 0,
    "packetsReceived": 0,
    "packetsLost": 0,
    "decodeMs": 0,
    "jitterBufferMs": 0,
    "jitterBufferFrames": 0,
    "processingMs": 0,
    "roundTripMs": 4,
    "decoder": "",
}
LATER = READING | {
    "at": 2000,
    "framesDecoded": 60,
    "bytesReceived": 1_000_000,
    "packetsReceived": 990,
    "packetsLost": 10,
    "decodeMs": 120,
    "jitterBufferMs": 30,
    "jitterBufferFrames": 60,
}
SERVER = {
    "viewer": {"layer": "full", "reason": "full quality", "dropped": 2, "rtt_ms": 5},
    "rendition": {
        "encoder": "libx264",
        "encoder_reason": "no hardware",
        "width": 1920,
        "height": 1080,
        "encode_ms": 5,
        "delay_ms": 8,
    },
}


async def figures(page: Page, **parts: object) -> Any:
    known: dict[str, object] = {
        "reading": LATER,
        "flow": None,
        "server": None,
        "inputRoundTripMs": 6,
        "shownMs": None,
        "last": None,
    }
    return await run(
        page, "app/figures.js", "const f = m.figures(a); return [f, m.inWords(f)]", known | parts
    )


async def flow(page: Page, before: object, after: object) -> Any:
    return await run(page, "core/measure.js", "return m.between(...a)", [before, after])


async def test_codecs_are_told_with_their_chroma(page: Page) -> None:
    for (mime, parameters), words in {
        (
            "video/H264",
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=f4001f",
        ): "H.264 4:4:4",
        ("video/H264", "profile-level-id=42e01f"): "H.264 4:2:0",
        ("video/VP8", ""): "VP8 4:2:0",
        ("video/VP9", "profile-id=1"): "VP9 4:4:4",
        ("video/VP9", "profile-id=0"): "VP9 4:2:0",
        ("", ""): "",
    }.items():
        assert await run(page, "core/measure.js", "return m.codecWords(...a)", [mime, parameters]) == words, (
            mime
        )


async def test_a_flow_is_what_lies_between_two_readings(page: Page) -> None:
    assert await flow(page, READING, LATER) == {
        "fps": 30,
        "bitsPerSecond": 4_000_000,
        "fractionLost": 0.01,
        "decodeMs": 2,
        "jitterBufferMs": 0.5,
        "processingMs": None,
    }
    still = await flow(page, LATER, LATER | {"at": 3000})
    assert still["fps"] == still["bitsPerSecond"] == 0
    assert still["decodeMs"] is still["jitterBufferMs"] is still["fractionLost"] is None


async def test_glass_to_glass_is_server_network_and_browser(page: Page) -> None:
    now = await flow(page, READING, LATER)
    known, words = await figures(page, flow=now, server=SERVER, shownMs=20)
    assert known["glassToGlassMs"] == 8 + 4 / 2 + 20
    assert (words["total"], words["codec"], words["picture"]) == ("30 ms", "H.264 4:4:4", "1920 × 1080")
    assert (words["layer"], words["reason"], words["dropped"]) == ("Full", "full quality", "3")
    assert words["encoder"] == "libx264 (no hardware)"
    assert (words["rate"], words["fps"], words["loss"]) == ("4.0 Mbit/s", "30 fps", "1.0 %")
    # A browser that does not tell when a frame is shown.
    known, _ = await figures(page, flow=now, server=SERVER)
    assert known["glassToGlassMs"] == 8 + 4 / 2 + 2.5
    # While nothing moves, the times of the last frame stand; the rates do not.
    still = await flow(page, LATER, LATER | {"at": 3000})
    kept, words = await figures(page, flow=still, server=SERVER, last=known)
    assert kept["glassToGlassMs"] == known["glassToGlassMs"] and words["fps"] == "0 fps"


async def test_what_is_not_known_is_a_dash(page: Page) -> None:
    known, words = await figures(page, reading=LATER | {"roundTripMs": None})
    assert known["glassToGlassMs"] is None and known["roundTripMs"] == 6
    assert words["total"] == words["server"] == words["fps"] == "–"
    assert set((await run(page, "app/figures.js", "return m.inWords(null)")).values()) == {"–", ""}
