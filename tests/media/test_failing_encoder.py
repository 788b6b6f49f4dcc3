"""Encoders that fail: once is made good, twice ends the tracks with a reason, and never leaves a viewer waiting."""

import asyncio

import pytest
from aiortc.mediastreams import MediaStreamError

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media import pipeline
from libvirt_webrtc.media.console_video import ConsoleVideo
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat
from tests.media.helpers import soon

H264 = VideoFormat.H264


class Failing:
    """Makes encoders that fail a number of times, then work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int, error: Exception) -> None:
        self.left = failures
        outer = self

        class Encoder(VideoEncoder):
            def encode(self, *args: object, **kwargs: object) -> EncodedFrame:
                if outer.left:
                    outer.left -= 1
                    raise error
                return super().encode(*args, **kwargs)  # type: ignore[arg-type]  # passed through

        monkeypatch.setattr(pipeline, "VideoEncoder", Encoder)


async def test_failed_encoder_is_replaced_once(video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch) -> None:
    Failing(monkeypatch, 1, MediaError("broken"))
    track = video.track(H264)
    assert (await soon(track.next_frame())).keyframe
    assert video.stats().renditions[0].failures == 1


@pytest.mark.parametrize("error", [MediaError("broken"), RuntimeError("a bug")])
async def test_broken_encoder_ends_the_tracks_with_a_reason(
    video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    Failing(monkeypatch, 2, error)
    track = video.track(H264)
    ended = asyncio.Event()
    track.on("ended", ended.set)
    with pytest.raises(MediaStreamError):
        await soon(track.next_frame())
    assert ended.is_set() and track.readyState == "ended"
    assert isinstance(track.error, MediaError)
    assert video.stats().renditions == ()


async def test_next_viewer_after_a_failure_gets_a_new_encoder(
    video: ConsoleVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    Failing(monkeypatch, 2, MediaError("broken"))
    with pytest.raises(MediaStreamError):
        await soon(video.track(H264).next_frame())
    assert (await soon(video.track(H264).next_frame())).keyframe
