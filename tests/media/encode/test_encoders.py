"""Hardware until it fails, software from there on; hardware itself only as far as it fails cleanly without a device."""

import glob
import logging
from typing import Any

import av
import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media import pipeline
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.encoders import Encoders
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.encode.hardware import KINDS, NVENC, QSV, Hardware, kind
from libvirt_webrtc.media.formats import FULL, VideoFormat
from libvirt_webrtc.picture.framebuffer import Framebuffer
from tests.media.helpers import Decoder, picture, psnr, show, soon

H264 = VideoFormat.H264
NOWHERE = ((H264, "h264_nvenc"),)


def test_software_is_used_unless_hardware_was_found() -> None:
    encoders = Encoders()
    assert encoders.hardware(H264) is None
    assert encoders.reason(H264) == "software: no hardware in use"


def test_hardware_that_failed_is_not_used_again_and_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    encoders = Encoders([(H264, "h264_qsv"), (VideoFormat.H264_444, "h264_nvenc")])
    assert encoders.hardware(H264) == "h264_qsv"
    assert "passed its test" in encoders.reason(H264)
    encoders.failed(H264, MediaError("h264_qsv failed: device lost"))
    assert encoders.hardware(H264) is None
    assert encoders.reason(H264) == "software: h264_qsv failed"
    assert encoders.hardware(VideoFormat.H264_444) == "h264_nvenc"
    assert [record.getMessage() for record in caplog.records] == [
        "h264_qsv failed: device lost; software makes H264 from here on"
    ]


@pytest.mark.parametrize("used", [k for k in KINDS if k.options], ids=lambda k: f"{k.name}-{k.format}")
def test_settings_are_ones_that_the_encoder_knows(used: Hardware) -> None:
    """FFmpeg refuses a wrong value as ``EINVAL``, before it looks for a device."""
    context = used.context(640, 480, FULL)
    try:
        context.open()
    except av.FFmpegError as error:
        assert not isinstance(error, av.ArgumentError)


def test_one_name_makes_several_formats() -> None:
    assert kind(VideoFormat.H264_444, "h264_nvenc").pix_fmt == "yuv444p"
    assert kind(H264, "h264_nvenc") is NVENC and kind(H264, "h264_qsv") is QSV


class Lost(VideoEncoder):
    """Software that passes for hardware, and holds every frame after the first back."""

    opened: list[str | None] = []

    def __init__(self, *args: Any, hardware_name: str | None, **options: Any) -> None:
        self.opened.append(hardware_name)
        super().__init__(*args, **options)
        self.name = hardware_name or self.name
        self._frames = 0

    def encode(self, *args: Any, **options: Any) -> EncodedFrame:
        self._frames += 1
        if self.name == "h264_nvenc" and self._frames > 1:
            raise MediaError("h264_nvenc made 0 packets of one frame")
        return super().encode(*args, **options)


@pytest.mark.skipif(bool(glob.glob("/dev/nvidia*")), reason="here is such hardware")
async def test_hardware_that_does_not_open_costs_no_picture(caplog: pytest.LogCaptureFixture) -> None:
    framebuffer = Framebuffer()
    show(framebuffer, picture(320, 240))
    video = ConsoleVideo(framebuffer, hardware=NOWHERE)
    with caplog.at_level(logging.WARNING):
        first = await soon(video.track(H264).next_frame())
    assert first.keyframe
    assert psnr(Decoder(H264).pixels(first), framebuffer.pixels) > 30
    (stats,) = video.stats().renditions
    assert (stats.encoder, stats.encoder_reason) == ("libx264", "software: h264_nvenc failed")
    assert len(caplog.records) == 1
    await video.close()


async def test_hardware_that_fails_on_the_way_is_followed_by_software_with_a_keyframe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lost, "opened", [])
    monkeypatch.setattr(pipeline, "VideoEncoder", Lost)
    framebuffer = Framebuffer()
    show(framebuffer, picture(320, 240))
    video = ConsoleVideo(framebuffer, hardware=NOWHERE)
    track, decoder = video.track(H264), Decoder(H264)
    first = await soon(track.next_frame())
    assert first.keyframe and video.stats().renditions[0].encoder == "h264_nvenc"
    decoder.decode(first)

    show(framebuffer, picture(320, 240, seed=1))
    second = await soon(track.next_frame())
    assert second.keyframe and track.readyState == "live"
    assert psnr(decoder.pixels(second), framebuffer.pixels) > 30
    (stats,) = video.stats().renditions
    assert (stats.encoder, stats.encoder_reason) == ("libx264", "software: h264_nvenc failed")

    # Not even for another size.
    show(framebuffer, picture(160, 120))
    while not (await soon(track.next_frame())).keyframe:
        pass
    assert Lost.opened == ["h264_nvenc", None, None]
    await video.close()
