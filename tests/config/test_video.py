"""The settings of ``[video]``."""

from pathlib import Path

import pytest

from libvirt_webrtc.config.load import Config, load
from libvirt_webrtc.config.video import CODECS, VIDEO_SETTINGS, VideoConfig
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.media.formats import DEFAULT_FORMATS, FORMATS, VideoFormat, formats_of


def test_what_video_is_sent_as_is_read_from_every_source(toml: Path) -> None:
    assert load(environ={}).video == VideoConfig(("h264", "vp8"), "software")
    toml.write_text('[video]\ncodecs = ["vp9"]\nencoder = "auto"\n')
    assert load(toml, {}).video == VideoConfig(("vp9",), "auto")
    environ = {"QEMU_WEBRTC_CODECS": "vp9, h264", "QEMU_WEBRTC_ENCODER": "software"}
    assert load(toml, environ).video == VideoConfig(("vp9", "h264"), "software")
    assert load(toml, environ, video_codecs="vp8").video == VideoConfig(("vp8",), "software")
    with pytest.raises(ConfigError, match="^--codecs names 'x'"):
        load(toml, environ, video_codecs="x")
    with pytest.raises(ConfigError, match="^QEMU_WEBRTC_ENCODER is 'x'"):
        load(toml, {"QEMU_WEBRTC_ENCODER": "x"})


def test_a_colour_for_every_pixel_can_be_forbidden(toml: Path) -> None:
    assert load(environ={}).video.chroma == "auto"
    toml.write_text('[video]\nchroma = "4:2:0"\n')
    assert load(toml, {}).video.chroma == "4:2:0"
    assert load(toml, {"QEMU_WEBRTC_CHROMA": "auto"}).video.chroma == "auto"
    assert load(toml, {"QEMU_WEBRTC_CHROMA": "auto"}, video_chroma="4:2:0").video.chroma == "4:2:0"
    assert VideoFormat.H264_444 not in formats_of(CODECS, full_chroma=False)


def test_every_codec_that_can_be_set_has_formats() -> None:
    assert set(FORMATS) == set(CODECS)
    assert formats_of(Config().video.codecs) == DEFAULT_FORMATS


def test_the_video_settings_are_known_in_the_environment(caplog: pytest.LogCaptureFixture) -> None:
    values = {"CODECS": "vp8", "CHROMA": "4:2:0", "ENCODER": "auto", "GL_DEVICE": "software"}
    assert {name.upper() for name in VIDEO_SETTINGS} == values.keys()
    video = load(environ={f"QEMU_WEBRTC_{name}": value for name, value in values.items()}).video
    assert video == VideoConfig(("vp8",), "auto", "4:2:0", "software")
    assert not caplog.records
