"""Request bodies: small, soon there, and text."""

import asyncio

from aiohttp import web

from libvirt_webrtc.portal.problems import Problem

BODY_TIMEOUT_S = 10.0


async def read_text(request: web.Request) -> str:
    """The whole body. The application's ``client_max_size`` bounds it.

    Raises:
        Problem: it is not UTF-8, or did not come in time.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return (await request.read()).decode()
    except TimeoutError as error:
        message = f"the request's body did not come within {BODY_TIMEOUT_S:.0f} seconds"
        raise Problem(408, "request_timeout", message) from error
    except UnicodeDecodeError as error:
        raise Problem(400, "bad_request", f"the request's body is not UTF-8: {error.reason}") from error
