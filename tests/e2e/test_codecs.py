"""Every codec that can be set, decoded by Chromium in the product's own page."""

from collections.abc import Callable

import pytest
from playwright.async_api import Browser

from libvirt_webrtc.config.video import CODECS
from tests.e2e.viewer import Viewer
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

KEY_A = 0x1E

_CODEC = """async () => {
  const reports = [...(await window.libvirtWebRTC.peerConnection.getStats()).values()];
  const video = reports.find((report) => report.type === "inbound-rtp" && report.kind === "video");
  const codec = reports.find((report) => report.id === video.codecId);
  return [codec.mimeType, codec.sdpFmtpLine ?? ""];
}"""


PROFILES = {"h264": "profile-level-id=f4001f", "vp8": "", "vp9": "profile-id=1"}
"""With 4:4:4 where Chromium and we have it."""


@pytest.mark.parametrize("codec", CODECS)
async def test_console_is_seen_in_the_codec_that_is_set(
    make_guest: GuestFactory, start_portal: Callable[..., Portal], browser: Browser, codec: str
) -> None:
    guest = make_guest()
    viewer = await Viewer.open(browser, start_portal(None, "--codecs", codec), guest)
    before = await viewer.wait_known_picture()
    name, parameters = await viewer.page.evaluate(_CODEC)
    assert name == f"video/{codec.upper()}" and PROFILES[codec] in parameters
    await viewer.type_and_see("KeyA", KEY_A)

    await viewer.press("F6")
    await viewer.wait_picture(lambda rgb: rgb.shape != before.shape, "another size")
    await viewer.wait_known_picture()
    assert await viewer.handle("connections") == 1
