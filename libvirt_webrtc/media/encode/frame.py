"""One encoded picture, shared by all who watch it."""

from dataclasses import dataclass

from libvirt_webrtc.media.formats import VideoFormat


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One picture as an encoder made it; the same object goes to every viewer."""

    format: VideoFormat
    timestamp: int
    """At 90 kHz, growing from frame to frame of one rendition."""
    keyframe: bool
    data: bytes
    """The encoder's bytes: H.264 in Annex B, the others as a decoder takes them."""
    payloads: tuple[bytes, ...]
    """RTP payloads in order; the last one has the marker."""
