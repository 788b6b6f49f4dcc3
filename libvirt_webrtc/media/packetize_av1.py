"""AV1 pictures cut into RTP payloads: the Alliance for Open Media's "RTP Payload Format For AV1", version 1.0.0."""

from collections.abc import Iterator

from libvirt_webrtc.errors import MediaError

_CONTINUES = 0x80
"""Z: the first element is the rest of one that the packet before began."""
_CONTINUED = 0x40
"""Y: the last element goes on in the next packet."""
_NEW_SEQUENCE = 0x08
"""N: the first packet of a coded video sequence, that is of a keyframe."""

_HAS_EXTENSION = 0x04
_HAS_SIZE = 0x02

_SEQUENCE_HEADER = 1
_LEFT_OUT = (2, 8, 15)
"""Temporal delimiters, tile lists and padding do not travel by RTP (section 5)."""

_MAX_ELEMENTS = 3
"""What the header's W can count; then the last element of a packet needs no length."""
_LENGTH_BYTES = 2
"""Set aside for an element's length, which stays below 2^14."""


def cut(data: bytes, size: int) -> tuple[bytes, ...]:
    """The payloads of one temporal unit, of ``size`` bytes at most (under 16,384).

    Raises:
        MediaError: not open bitstream units with their sizes.
    """
    packets: list[_Packet] = []
    starts_sequence = False
    for unit in _units(data):
        starts_sequence = starts_sequence or _type(unit[0]) == _SEQUENCE_HEADER
        rest = memoryview(unit)
        while rest:
            if not packets or packets[-1].full:
                packets.append(_Packet(size, continues=len(rest) < len(unit)))
            rest = packets[-1].add(rest)
    return tuple(
        packet.payload(starts_sequence=starts_sequence and index == 0) for index, packet in enumerate(packets)
    )


class _Packet:
    """One payload while it is filled."""

    def __init__(self, size: int, *, continues: bool) -> None:
        self._elements: list[memoryview] = []
        self._room = size - 1
        self._flags = _CONTINUES if continues else 0

    @property
    def full(self) -> bool:
        return len(self._elements) == _MAX_ELEMENTS or self._room <= _LENGTH_BYTES

    def add(self, unit: memoryview) -> memoryview:
        """Take as much of ``unit`` as fits; the rest of it."""
        piece, rest = unit[: self._room - _LENGTH_BYTES], unit[self._room - _LENGTH_BYTES :]
        self._elements.append(piece)
        self._room -= _LENGTH_BYTES + len(piece)
        if rest:
            self._flags |= _CONTINUED
        return rest

    def payload(self, *, starts_sequence: bool) -> bytes:
        header = self._flags | len(self._elements) << 4 | (_NEW_SEQUENCE if starts_sequence else 0)
        parts: list[bytes | memoryview] = [bytes((header,))]
        for element in self._elements[:-1]:
            parts += _leb128(len(element)), element
        return b"".join((*parts, self._elements[-1]))


def _units(data: bytes) -> Iterator[bytes]:
    """The open bitstream units that travel, without their own sizes (AV1 bitstream specification, 5.3)."""
    position = 0
    while position < len(data):
        header = data[position]
        if not header & _HAS_SIZE:
            raise MediaError("an open bitstream unit without its size")
        start = position + (2 if header & _HAS_EXTENSION else 1)
        length, body = _read_leb128(data, start)
        if body + length > len(data):
            raise MediaError("an open bitstream unit is cut short")
        if _type(header) not in _LEFT_OUT:
            yield bytes((header & ~_HAS_SIZE,)) + data[position + 1 : start] + data[body : body + length]
        position = body + length


def _type(header: int) -> int:
    return header >> 3 & 15


def _leb128(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_leb128(data: bytes, position: int) -> tuple[int, int]:
    """The number at ``position``, and where it ends."""
    value = 0
    for index, byte in enumerate(data[position : position + 8]):
        value |= (byte & 127) << 7 * index
        if not byte & 128:
            return value, position + index + 1
    raise MediaError("a size that does not end")
