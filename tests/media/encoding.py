"""A converter and an encoder, for tests of what encoders make."""

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.formats import VideoFormat
from libvirt_webrtc.picture.pixels import Pixels, Rect


class Source:
    """A converter and an encoder for pictures of one size."""

    def __init__(self, codec: VideoFormat, width: int, height: int) -> None:
        self.converter = FrameConverter(width, height, full_chroma=codec.full_chroma)
        self.encoder = VideoEncoder(codec, self.converter.frame)
        self.timestamp = 0

    def encode(self, pixels: Pixels, *, keyframe: bool = False) -> EncodedFrame:
        height, width = pixels.shape[:2]
        self.converter.convert(pixels, [Rect(0, 0, width, height)])
        self.timestamp += 3000
        return self.encoder.encode(self.timestamp, keyframe=keyframe)
