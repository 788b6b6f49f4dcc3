"""A stream's decoder, in a real browser: its own encoder makes the pictures."""

import pytest
from playwright.async_api import Page

from tests.support.browsers import in_both_browsers
from tests.web.pages import run

pytestmark = pytest.mark.browser

ENCODE = """
const canvas = new OffscreenCanvas(64, 48);
canvas.getContext("2d").fillRect(0, 0, 64, 48);
const chunks = [];
const encoder = new VideoEncoder({ output: (chunk) => chunks.push(chunk), error: (error) => { throw error; } });
encoder.configure({ codec: "vp8", width: 64, height: 48 });
for (let i = 0; i < 3; i++) {
  const frame = new VideoFrame(canvas, { timestamp: i * 40_000 });
  encoder.encode(frame, { keyFrame: i === 0 });
  frame.close();
}
await encoder.flush();
const pictures = chunks.map((chunk, i) => {
  const data = new Uint8Array(chunk.byteLength);
  chunk.copyTo(data);
  return { format: "VP8", keyframe: chunk.type === "key", timestamp: 3600 * i, width: 64, height: 48, data };
});
"""


@in_both_browsers
async def test_pictures_are_decoded_as_they_come(page: Page) -> None:
    shown = await run(
        page,
        "core/picture-decoder.js",
        ENCODE
        + """
        const decoder = new m.PictureDecoder(() => undefined);
        const sizes = [];
        const all = new Promise((resolve) => {
          decoder.onframe = (frame) => {
            sizes.push([frame.displayWidth, frame.displayHeight]);
            frame.close();
            if (sizes.length === 3) resolve();
          };
        });
        for (const picture of pictures) decoder.decode(picture);
        await all;
        const { framesDecoded, keyFramesDecoded, codec } = decoder.reading();
        decoder.close();
        return { sizes, framesDecoded, keyFramesDecoded, codec };
        """,
    )
    assert shown == {"sizes": [[64, 48]] * 3, "framesDecoded": 3, "keyFramesDecoded": 1, "codec": "VP8 4:2:0"}


@in_both_browsers
async def test_what_cannot_be_decoded_is_asked_for_again_until_a_keyframe_comes(page: Page) -> None:
    asked = await run(
        page,
        "core/picture-decoder.js",
        ENCODE
        + """
        let asked = 0;
        const decoder = new m.PictureDecoder(() => { asked += 1; });
        const shown = new Promise((resolve) => {
          decoder.onframe = (frame) => { frame.close(); resolve(); };
        });
        decoder.decode(pictures[1]);
        while (asked < 3) await new Promise((resolve) => setTimeout(resolve, 50));
        decoder.decode(pictures[0]);
        await shown;
        const before = asked;
        await new Promise((resolve) => setTimeout(resolve, 1200));
        decoder.close();
        return [before >= 3, asked - before];
        """,
    )
    assert asked == [True, 0]
