"""Headers of RTP packets (RFC 3550) with one-byte extensions (RFC 8285).

The payloads are shared by all viewers; only the headers are made for each of them.
"""

import struct

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
PLAYOUT_DELAY_URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

_FIXED = struct.Struct("!BBHLL")
_VERSION = 2 << 6
_EXTENDED = 1 << 4
_MARKER = 1 << 7
_ONE_BYTE = 0xBEDE
_LARGEST_ID = 14
_LARGEST_ELEMENT = 16


class HeaderExtensions:
    """The extension block of one viewer's packets.

    An element without a negotiated number is left out, and so is one that does not fit into the one-byte form. The
    longer form would have to be negotiated (RFC 8285, 4.1.2), and none of these extensions needs it.

    Args:
        ids: the negotiated numbers by URI; extensions other than the three named here are ignored.
        mid: the media section's name.
    """

    def __init__(self, ids: dict[str, int], mid: str) -> None:
        self._before = _element(ids.get(MID_URI), mid.encode())
        self._send_time_head = _element(ids.get(ABS_SEND_TIME_URI), bytes(3))[:1]
        # Show each frame at once, 0 to 0 ms: 24 zero bits (libwebrtc's docs/native-code/rtp-hdrext/playout-delay).
        after = _element(ids.get(PLAYOUT_DELAY_URI), bytes(3))
        length = len(self._before) + 4 * len(self._send_time_head) + len(after)
        words = -(-length // 4)
        self._after = after + bytes(4 * words - length)
        self._head = struct.pack("!HH", _ONE_BYTE, words) if words else b""

    def at(self, unix_time: float) -> bytes:
        """The block for packets that leave at ``unix_time``, seconds; empty if nothing was negotiated."""
        if not self._send_time_head:
            return self._head + self._before + self._after
        # 24 bits, 6.18 fixed point, of the NTP time; NTP's epoch is a multiple of 64 s before Unix'.
        send_time = (int(unix_time * (1 << 18)) & 0xFFFFFF).to_bytes(3)
        return self._head + self._before + self._send_time_head + send_time + self._after


def pack_header(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, marker: bool, extensions: bytes
) -> bytes:
    """One packet's header; ``extensions`` is a block of :meth:`HeaderExtensions.at`, or empty."""
    first = _VERSION | _EXTENDED if extensions else _VERSION
    second = payload_type | _MARKER if marker else payload_type
    return _FIXED.pack(first, second, sequence, timestamp, ssrc) + extensions


def wrap_header(header: bytes, *, payload_type: int, sequence: int, ssrc: int, extensions: bytes) -> bytes:
    """Make the header for sending the packet that has ``header`` again (RFC 4588).

    The original sequence number, which belongs in front of the payload, is at its end.
    """
    _, second, _, timestamp, _ = _FIXED.unpack_from(header)
    marker = bool(second & _MARKER)
    repeated = pack_header(payload_type, sequence, timestamp, ssrc, marker, extensions)
    return repeated + header[2:4]


def _element(number: int | None, value: bytes) -> bytes:
    """One extension element in the one-byte form; empty where it does not fit, or has no number."""
    if number is None or not 1 <= number <= _LARGEST_ID or not 1 <= len(value) <= _LARGEST_ELEMENT:
        return b""
    return bytes((number << 4 | len(value) - 1,)) + value
