"""Whether hardware or software makes a format on this machine, and why."""

import logging
from collections.abc import Iterable

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.formats import VideoFormat

logger = logging.getLogger(__name__)


class Encoders:
    """Hardware for the formats where it was found to work, until it fails; software for all else.

    One for all renditions of a console, whose threads ask it.

    Args:
        hardware: formats, each with its encoder as FFmpeg names it.
    """

    def __init__(self, hardware: Iterable[tuple[VideoFormat, str]] = ()) -> None:
        self._hardware = dict(hardware)
        self._failed: dict[VideoFormat, str] = {}

    def hardware(self, format_: VideoFormat) -> str | None:
        """The hardware encoder to use; None for software."""
        return self._hardware.get(format_)

    def reason(self, format_: VideoFormat) -> str:
        """Why it is that one, for people."""
        if format_ in self._hardware:
            return "hardware passed its test when the service started"
        return self._failed.get(format_, "software: no hardware in use")

    def failed(self, format_: VideoFormat, error: MediaError) -> None:
        """An encoder would not open, or not go on: what was hardware is software from here on."""
        name = self._hardware.pop(format_, None)
        if name is None:
            logger.warning("%s; trying once more with a new encoder", error)
        else:
            logger.warning("%s; software makes %s from here on", error, format_)
            self._failed[format_] = f"software: {name} failed"
