"""Reads request bodies: text of a bounded size that arrives in a bounded time."""

import asyncio
import re

from aiohttp import web

from libvirt_webrtc.agent import limits
from libvirt_webrtc.portal.problems import Problem

_NOT_SDP = re.compile(r"[^\t\r\n\x20-\x7e]")


async def read_text(request: web.Request) -> str:
    """The whole body. The application's ``client_max_size`` bounds it.

    Raises:
        Problem: it is not UTF-8 or not as its headers say, or did not come in time.
    """
    try:
        async with asyncio.timeout(limits.BODY_S):
            return (await request.read()).decode()
    except TimeoutError as error:
        message = f"the request's body did not come within {limits.BODY_S:.0f} seconds"
        raise Problem(408, "request_timeout", message) from error
    except web.RequestPayloadError:
        # Without its text, and not as the cause: that quotes the body.
        message = "the request's body is not as its Transfer-Encoding or Content-Encoding says"
        raise Problem(400, "bad_request", message) from None
    except UnicodeDecodeError as error:
        raise Problem(400, "bad_request", f"the request's body is not UTF-8: {error.reason}") from error


async def read_sdp(request: web.Request) -> str:
    """The whole body as SDP: lines of printable ASCII.

    RFC 8866 allows UTF-8 in a session's name and description, which no player needs and nothing here reads.

    Raises:
        Problem: it is not, or as :func:`read_text`.
    """
    sdp = await read_text(request)
    if (strange := _NOT_SDP.search(sdp)) is not None:
        line = sdp.count("\n", 0, strange.start()) + 1
        message = (
            f"the offer's line {line} has the character U+{ord(strange[0]):04X}; SDP here is printable ASCII"
        )
        raise Problem(400, "bad_offer", message)
    return sdp
