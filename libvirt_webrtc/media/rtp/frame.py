"""One encoded picture as every viewer of its rendition is sent it."""

from dataclasses import dataclass

from libvirt_webrtc.media.encode.frame import EncodedFrame


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a rendition's pictures, the same from one keyframe to the next at least."""

    guest: tuple[int, int]
    """Width and height of the guest's picture in pixels."""
    encoded: tuple[int, int]
    scale: int
    """How many of the guest's pixels in a row became one."""
    reduced: int
    """What part of :attr:`scale` is only because decoders take no more; 1: nothing."""


UNKNOWN_SHAPE = Shape((0, 0), (0, 0), 1, 1)
"""Of a frame that no rendition made."""


@dataclass(frozen=True, slots=True)
class RtpFrame:
    """An encoded picture with its RTP payloads, cut once; the same object goes to every viewer.

    Attributes:
        encoded: the picture as the encoder made it.
        payloads: RTP payloads in order; the packet of the last one bears the marker.
        shape: its size, and that of the guest's picture.
    """

    encoded: EncodedFrame
    payloads: tuple[bytes, ...]
    shape: Shape = UNKNOWN_SHAPE

    @property
    def timestamp(self) -> int:
        """In ticks of RTP's 90 kHz clock; grows from frame to frame of one rendition."""
        return self.encoded.timestamp

    @property
    def keyframe(self) -> bool:
        return self.encoded.keyframe

    @property
    def size(self) -> int:
        """Bytes of the encoded picture."""
        return len(self.encoded.data)
