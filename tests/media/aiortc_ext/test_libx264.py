"""PyAV's libx264: found, checked before its first frame, and left to FFmpeg if it is not what is known."""

import logging
from collections.abc import Iterator

import av
import numpy as np
import pytest

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.aiortc_ext import libx264, libx264_check, libx264_library
from libvirt_webrtc.media.encode.ffmpeg import FfmpegCoder
from libvirt_webrtc.media.formats import VideoFormat
from tests.media.helpers import picture, psnr
from tests.media.stage import HEIGHT, WIDTH, Stage


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The library is looked for anew, in the test and after it."""

    def forget() -> None:
        libx264.is_usable.cache_clear()
        libx264.load.cache_clear()

    forget()
    yield
    forget()


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("format_", [VideoFormat.H264, VideoFormat.H264_444])
def test_an_unknown_build_is_used_through_ffmpeg(
    format_: VideoFormat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(libx264_library, "BUILDS", (1,))
    with caplog.at_level(logging.WARNING):
        stage = Stage(format_)
    assert stage.encoder.coder is FfmpegCoder
    assert "another build than 1" in caplog.text and f"PyAV {av.__version__}" in caplog.text
    still = picture(WIDTH, HEIGHT)
    assert psnr(stage.encode(still)[1], still) > 30


def test_the_defaults_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libx264_check, "DEFAULT_DEADZONE", [1, 2])
    with pytest.raises(MediaError, match=r"build \d+, does not lay out x264_param_t"):
        libx264_check.check(libx264_library.find())


@pytest.mark.parametrize(
    ("field", "moved"),
    [
        ("int psy, mb_info, mb_info_update;", "int mb_info, psy, mb_info_update;"),
        ("int luma_deadzone[2];\n    char rest[380];", "char gone[4]; int luma_deadzone[2]; char rest[376];"),
        ("int gop[8];", "int gop[11];"),
        ("int csp, planes;", "int gone, csp, planes;"),
        ("int strides[4];", "int strides[5];"),
        ("void *quant_offsets_free;", "void *quant_offsets_free, *gone;"),
        ("int type, qp_plus_1, pic_struct, keyframe;", "int type, pic_struct, qp_plus_1, keyframe;"),
        ("int type, qp_plus_1, pic_struct, keyframe;", "int qp_plus_1, type, pic_struct, keyframe;"),
        ("int type, qp_plus_1, pic_struct, keyframe;", "int type, qp_plus_1, keyframe, pic_struct;"),
        ("int64_t pts, dts;", "int64_t dts, pts;"),
    ],
)
def test_a_field_at_another_place_is_found_out(
    field: str, moved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the parameters as of the pictures."""
    assert libx264_library.CDEF.count(field) == 1
    monkeypatch.setattr(libx264_library, "CDEF", libx264_library.CDEF.replace(field, moved))
    with pytest.raises(MediaError, match="its builds that are known here"):
        libx264_check.check(libx264_library.find())


def test_settings_that_it_does_not_know_are_a_media_error() -> None:
    planes = [np.zeros((16, 16), np.uint8), np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)]
    for settings, profile in (({"colour": "none"}, "baseline"), ({}, "finest")):
        with pytest.raises(MediaError, match=r"colour|finest"):
            libx264.Encoder(planes, settings, profile)
