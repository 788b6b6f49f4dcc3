"""What a page's input channel was told, in words."""

import struct

from playwright.async_api import Page


def words(message: list[int]) -> str | None:
    """One message of the input channel; None if it is none of the keyboard's or the mouse's."""
    body = bytes(message[1:])
    match message[0]:
        case 1:
            return ("+" if body[0] else "-") + body[1:].decode()
        case 2:
            return "to {},{}".format(*struct.unpack(">HH", body))
        case 3:
            return "by {},{}".format(*struct.unpack(">hh", body))
        case 4:
            return f"{body[0]}{'down' if body[1] else 'up'}"
        case 5:
            return "wheel {},{}".format(*struct.unpack(">bb", body))
        case 6:
            return "release"
    return None


async def said(page: Page) -> list[str]:
    """What was sent since the last look, on every console's input channel."""
    # Motion is sent with the next frame.
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = await page.evaluate("sent.splice(0)")
    every = [words(message[1:]) for message in found if isinstance(message[1], int)]
    return [one for one in every if one is not None]


async def changes(page: Page) -> list[str]:
    """The same without motion, nor the releases of everything that come with each loss of the focus."""
    return [one for one in await said(page) if not one.startswith(("to ", "by ", "release"))]
