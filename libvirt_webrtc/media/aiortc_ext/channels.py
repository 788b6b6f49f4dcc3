"""Data channel messages that aiortc cannot read are reported."""

from typing import Any

import aiortc.rtcsctptransport

from libvirt_webrtc.media.aiortc_ext.patching import replace

UNREADABLE = "unreadable"
"""Event of an ``RTCSctpTransport``, with the error: a data channel message could not be decoded (text that is not
UTF-8), or its handler failed."""


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
