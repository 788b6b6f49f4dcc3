"""Whether hardware or software encodes a format on this host, and why."""

import logging
from collections.abc import Iterable

from libvirt_webrtc.errors import MediaError
from libvirt_webrtc.media.formats import VideoFormat

logger = logging.getLogger(__name__)


class Encoders:
    """Chooses hardware for the formats where it was found to work, until it fails, and software for all others.

    All renditions of a console share one, and their threads ask it.

    Args:
        hardware: formats, each with its hardware encoder as FFmpeg names it.
    """

    def __init__(self, hardware: Iterable[tuple[VideoFormat, str]] = ()) -> None:
        self._hardware = dict(hardware)
        self._failed: dict[VideoFormat, str] = {}

    def hardware(self, format_: VideoFormat) -> str | None:
        """The hardware encoder to use; None for software."""
        return self._hardware.get(format_)

    def reason(self, format_: VideoFormat) -> str:
        """Why it is that encoder, in words for people."""
        if format_ in self._hardware:
            return "hardware passed its test when the service started"
        return self._failed.get(format_, "software: no hardware in use")

    def failed(self, format_: VideoFormat, error: MediaError) -> None:
        """Take note that an encoder did not open or go on; software takes over what hardware encoded."""
        name = self._hardware.pop(format_, None)
        if name is None:
            logger.warning("%s; trying once more with a new encoder", error)
        else:
            logger.warning("%s; software makes %s from here on", error, format_)
            self._failed[format_] = f"software: {name} failed"
