"""One picture as an encoder made it."""

from dataclasses import dataclass

from libvirt_webrtc.media.formats import VideoFormat


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One access unit of a format's bitstream."""

    format: VideoFormat
    timestamp: int
    """In ticks of RTP's 90 kHz clock; grows from frame to frame of one rendition."""
    keyframe: bool
    data: bytes
    """The encoder's bytes: H.264 in Annex B, the other formats as a decoder takes them."""
