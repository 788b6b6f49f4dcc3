"""VP9 pictures cut into RTP payloads: RFC 9628, flexible mode, one layer."""

from dataclasses import dataclass

from libvirt_webrtc.errors import MediaError

_PICTURE_ID = 0x80
_INTER_PICTURE = 0x40
_FLEXIBLE = 0x10
_BEGIN = 0x08
_END = 0x04
_SCALABILITY = 0x02
_LONG_ID = 0x8000
_PREVIOUS_PICTURE = 1 << 1
"""A list of references (P_DIFF, N) with one entry, the picture before. That is what a receiver must know: which
pictures a picture needs, in an unbroken chain back to the keyframe."""
_ONE_LAYER_WITH_SIZE = 0x10
"""N_S is 0 (one spatial layer), Y is set (its size follows), G is not."""
_SRGB = 7


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What the payload descriptor needs to know from a picture's uncompressed header."""

    keyframe: bool
    width: int = 0
    """In pixels, like the height; 0 unless it is a keyframe."""
    height: int = 0

    @classmethod
    def parse(cls, data: bytes) -> "PictureHeader":
        """Read the header of one encoded picture (VP9 bitstream specification, 6.2).

        Raises:
            MediaError: not a VP9 picture.
        """
        if len(data) < 10 or data[0] >> 6 != 2:
            raise MediaError("not a VP9 picture")
        bits = _Bits(data)
        bits.take(2)
        profile = bits.take(1) | bits.take(1) << 1
        if profile == 3:
            bits.take(1)
        shows_older_picture = bits.take(1)
        if shows_older_picture or bits.take(1):
            return cls(keyframe=False)
        bits.take(2 + 24)
        if profile >= 2:
            bits.take(1)
        if bits.take(3) != _SRGB:
            bits.take(1)
        if profile in (1, 3):
            bits.take(3)
        return cls(True, bits.take(16) + 1, bits.take(16) + 1)


def cut(data: bytes, picture_id: int, size: int) -> tuple[bytes, ...]:
    """The payloads of one picture, of ``size`` bytes at most; ``picture_id`` has 15 bits.

    Raises:
        MediaError: not a VP9 picture.
    """
    picture = PictureHeader.parse(data)
    number = (_LONG_ID | picture_id).to_bytes(2, "big")
    payloads = []
    position = 0
    while position < len(data):
        flags = _PICTURE_ID | _FLEXIBLE
        tail = b""
        if not picture.keyframe:
            flags |= _INTER_PICTURE
            tail = bytes((_PREVIOUS_PICTURE,))
        if position == 0:
            flags |= _BEGIN
            if picture.keyframe:
                flags |= _SCALABILITY
                tail = bytes((_ONE_LAYER_WITH_SIZE,))
                tail += picture.width.to_bytes(2, "big") + picture.height.to_bytes(2, "big")
        piece = data[position : position + size - 3 - len(tail)]
        position += len(piece)
        if position == len(data):
            flags |= _END
        payloads.append(bytes((flags,)) + number + tail + piece)
    return tuple(payloads)


class _Bits:
    """Reads a header bit by bit, the highest first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[:16], "big")
        self._left = len(data[:16]) * 8

    def take(self, count: int) -> int:
        self._left -= count
        return self._value >> self._left & (1 << count) - 1
