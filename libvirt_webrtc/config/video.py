"""The settings of ``[video]``: what pictures may be sent as, and what may encode them and read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, get_args

from libvirt_webrtc.errors import ConfigError

Codec = Literal["h264", "vp8", "vp9"]
EncoderPolicy = Literal["software", "auto"]
Chroma = Literal["auto", "4:2:0"]

# The words that each setting takes.
CODECS: tuple[str, ...] = get_args(Codec)
ENCODER_POLICIES: tuple[str, ...] = get_args(EncoderPolicy)
CHROMAS: tuple[str, ...] = get_args(Chroma)


@dataclass(frozen=True, slots=True)
class VideoConfig:
    """How consoles are encoded."""

    codecs: tuple[Codec, ...] = ("h264", "vp8")
    """A viewer gets the first of these that its browser takes."""
    encoder: EncoderPolicy = "software"
    """With ``auto``, H.264 comes from a graphics card that passed a test when the service started. Not the default:
    the sharpness of text is measured for libx264 alone."""
    chroma: Chroma = "auto"
    """With ``auto``, browsers that can get a colour for every pixel (4:4:4); else all get one for every four."""
    gl_device: str = "auto"
    """What reads the pictures of displays with gl=on: ``software``, the path of a render node, or, with ``auto``, the
    render node that QEMU itself uses, or another, or software where there is none."""

    def changed(self, values: Mapping[str, Any], where: Callable[[str], str]) -> "VideoConfig":
        """A copy with these settings.

        Args:
            values: by the settings' names.
            where: what a setting is called where it comes from, for errors: a key of the file, a variable, a flag.

        Raises:
            ConfigError: an unknown setting, or a value that cannot be used.
        """
        config = self
        for key, value in values.items():
            if key == "codecs":
                config = replace(config, codecs=_codecs(value, where(key)))
            elif key == "encoder":
                config = replace(
                    config, encoder=cast(EncoderPolicy, _word(value, ENCODER_POLICIES, where(key)))
                )
            elif key == "chroma":
                config = replace(config, chroma=cast(Chroma, _word(value, CHROMAS, where(key))))
            elif key == "gl_device":
                config = replace(config, gl_device=_device(value, where(key)))
            else:
                raise ConfigError(f"{where(key)}: unknown setting; known are {', '.join(VIDEO_SETTINGS)}")
        return config


VIDEO_SETTINGS = tuple(field.name for field in fields(VideoConfig))
"""The names of the settings in ``[video]``."""


def _codecs(value: object, where: str) -> tuple[Codec, ...]:
    """From an array, or from text with commas."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if not isinstance(value, Sequence) or not value:
        raise ConfigError(f"{where} must name at least one of {_quoted(CODECS)}")
    for codec in value:
        if codec not in CODECS:
            raise ConfigError(f"{where} names {codec!r}; write some of {_quoted(CODECS)}")
    if len(set(value)) < len(value):
        raise ConfigError(f"{where} names a codec twice")
    return tuple(value)


def _device(value: object, where: str) -> str:
    if not isinstance(value, str) or (value not in ("auto", "software") and not value.startswith("/dev/")):
        raise ConfigError(
            f"{where} is {value!r}; write 'auto', 'software', or a render node such as '/dev/dri/renderD128'"
        )
    return value


def _word(value: object, words: tuple[str, ...], where: str) -> object:
    if value not in words:
        raise ConfigError(f"{where} is {value!r}; write one of {_quoted(words)}")
    return value


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words))
