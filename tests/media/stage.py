"""A picture that is converted, encoded as a rendition would have it, and decoded again."""

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame import EncodedFrame
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.formats import CLOCK_RATE, MAX_FRAME_RATE, VideoFormat
from libvirt_webrtc.picture.pixels import Pixels, Rect
from tests.media.helpers import Decoder

WIDTH, HEIGHT = 640, 480
WHOLE = Rect(0, 0, WIDTH, HEIGHT)


class Stage:
    def __init__(self, format_: VideoFormat) -> None:
        self.converter = FrameConverter(WIDTH, HEIGHT, full_chroma=format_.full_chroma)
        self.encoder = VideoEncoder(format_, self.converter.frame)
        self.decoder = Decoder(format_)
        self.timestamp = 0

    def encode(
        self,
        pixels: Pixels,
        *,
        told: Rect | None = WHOLE,
        quality: Quality = Quality.MOTION,
        keyframe: bool = False,
    ) -> tuple[EncodedFrame, Pixels]:
        """All of ``pixels``, of which the encoder is ``told`` a part."""
        self.converter.convert(pixels, [WHOLE])
        self.timestamp += CLOCK_RATE // MAX_FRAME_RATE
        changed = [told] if told else []
        made = self.encoder.encode(self.timestamp, changed=changed, quality=quality, keyframe=keyframe)
        return made, self.decoder.pixels(made)
