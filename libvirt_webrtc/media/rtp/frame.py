"""One encoded picture as every viewer of its rendition is sent it."""

from dataclasses import dataclass

from libvirt_webrtc.media.encode.frame import EncodedFrame


@dataclass(frozen=True, slots=True)
class RtpFrame:
    """An encoded picture with its RTP payloads, cut once; the same object goes to every viewer.

    Attributes:
        encoded: the picture as the encoder made it.
        payloads: RTP payloads in order; the packet of the last one bears the marker.
    """

    encoded: EncodedFrame
    payloads: tuple[bytes, ...]

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
