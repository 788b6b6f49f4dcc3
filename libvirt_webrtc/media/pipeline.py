"""From a changed picture to the payloads that viewers are sent: convert, encode, cut."""

from collections.abc import Iterable
from dataclasses import replace

from libvirt_webrtc.media.convert.converter import FrameConverter
from libvirt_webrtc.media.encode.encoder import VideoEncoder
from libvirt_webrtc.media.encode.frame_scheduler import Quality
from libvirt_webrtc.media.formats import RenditionKey
from libvirt_webrtc.media.rtp.frame import RtpFrame, Shape
from libvirt_webrtc.media.rtp.packetizer import Packetizer
from libvirt_webrtc.picture.pixels import Pixels, Rect
from libvirt_webrtc.picture.surface import Surface


class Pipeline:
    """Converter, encoder and packetizer for one size of the framebuffer; used by one worker thread at a time.

    Args:
        shape: the sizes of the framebuffer and of the encoded picture.
        hardware: FFmpeg's name of a hardware encoder; None for software.

    Raises:
        MediaError: the encoder does not open.
    """

    def __init__(self, key: RenditionKey, shape: Shape, *, hardware: str | None) -> None:
        self.shape = shape
        self._converter = FrameConverter(*shape.guest, full_chroma=key.format.full_chroma, scale=shape.scale)
        frame = self._converter.frame
        self._encoder = VideoEncoder(key.format, frame, layer=key.layer, hardware_name=hardware)
        self.encoder = self._encoder.name
        """The encoder as FFmpeg names it."""
        self._packetizer = Packetizer(key.format)

    def produce(
        self,
        picture: Pixels | Surface,
        damage: Iterable[Rect],
        timestamp: int,
        *,
        keyframe: bool,
        quality: Quality,
    ) -> RtpFrame:
        """Encode ``picture``, of which only ``damage`` has changed since the last call. Blocks: call it in a thread.

        Raises:
            MediaError: the encoder failed.
            PictureLost: the picture, a surface, cannot be read any more.
        """
        changed = self._converter.convert(picture, damage)
        encoded = self._encoder.encode(timestamp, changed=changed, quality=quality, keyframe=keyframe)
        return replace(self._packetizer.cut(encoded), shape=self.shape)
