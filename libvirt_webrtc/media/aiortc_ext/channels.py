"""Data channels of a viewer that may be hostile: what aiortc cannot read is reported, and what it keeps is bounded."""

from typing import Any

import aiortc.rtcsctptransport
from aiortc import RTCPeerConnection

from libvirt_webrtc.errors import ViewerProtocolError
from libvirt_webrtc.media.aiortc_ext.patching import replace

UNREADABLE = "unreadable"
"""Event of an ``RTCSctpTransport``, with the error: a data channel message could not be decoded (text that is not
UTF-8), its handler failed, or more came than is kept."""

MAX_WAITING_BYTES = aiortc.rtcsctptransport.LOCAL_MAX_MESSAGE_SIZE
"""Of messages that have not come as a whole, or wait for one before them; as large as aiortc announces that one message
may be."""

MAX_WAITING_CHUNKS = 4096
"""Of the same. A mouse sends 1,000 messages a second, which all wait for one that was lost and comes a second later."""

MAX_STREAMS = 16
"""Streams with data: one for each data channel, of which a viewer has two for each of at most four consoles."""

_WINDOW = 1024 * 1024
"""Bytes that aiortc announces to take; it subtracts what waits."""


def bound_messages() -> None:
    """Emit UNREADABLE once more waits than is allowed, and take nothing more.

    aiortc itself collects the parts of a message of any size, on any number of streams, and looks through all of them
    for each that comes.
    """

    async def _receive_data_chunk(self: Any, chunk: Any) -> None:
        if getattr(self, "_console_deaf", False):
            return
        await original(self, chunk)
        if (error := _excess(self)) is not None:
            self._console_deaf = True
            self.emit(UNREADABLE, error)

    transport = aiortc.rtcsctptransport.RTCSctpTransport
    original = replace(transport, "_receive_data_chunk", _receive_data_chunk)


def ignore_messages(connection: RTCPeerConnection) -> None:
    """Take no message of any data channel any more, nor another channel."""
    if connection.sctp is not None:
        connection.sctp._console_deaf = True  # type: ignore[attr-defined]


def report_unreadable_messages() -> None:
    """Emit UNREADABLE for a message that aiortc cannot read, so that its connection can be ended in order.

    aiortc itself ends the DTLS transport and logs two tracebacks, as it does where nobody listens for UNREADABLE.
    """

    async def _data_channel_receive(self: Any, stream_id: int, pp_id: int, data: bytes) -> None:
        try:
            await original(self, stream_id, pp_id, data)
        except ConnectionError:
            raise
        except Exception as error:
            if not self.emit(UNREADABLE, error):
                raise

    transport = aiortc.rtcsctptransport.RTCSctpTransport
    original = replace(transport, "_data_channel_receive", _data_channel_receive)


def _excess(transport: Any) -> ViewerProtocolError | None:
    streams = transport._inbound_streams
    if len(streams) > MAX_STREAMS:
        return ViewerProtocolError(f"more than {MAX_STREAMS} data channels were used")
    if _WINDOW - transport._advertised_rwnd > MAX_WAITING_BYTES:
        return ViewerProtocolError(f"a message of more than {MAX_WAITING_BYTES} bytes was sent")
    waiting = max(len(transport._sack_misordered), sum(len(stream.reassembly) for stream in streams.values()))
    if waiting > MAX_WAITING_CHUNKS:
        return ViewerProtocolError(f"more than {MAX_WAITING_CHUNKS} parts of messages came out of order")
    return None
