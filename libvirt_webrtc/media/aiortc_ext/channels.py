"""Data channels that do not end a connection."""

import logging
from typing import Any

import aiortc.rtcsctptransport

from libvirt_webrtc.media.aiortc_ext.patching import replace

logger = logging.getLogger(__name__)


def keep_data_channels_apart() -> None:
    """A message that cannot be decoded, or whose handler raises, would end the viewer's whole connection."""

    async def _data_channel_receive(self: Any, stream_id: int, pp_id: int, data: bytes) -> None:
        try:
            await original(self, stream_id, pp_id, data)
        except ConnectionError:
            raise
        except Exception:
            logger.warning("a data channel message was dropped", exc_info=True)

    transport = aiortc.rtcsctptransport.RTCSctpTransport
    original = replace(transport, "_data_channel_receive", _data_channel_receive)
