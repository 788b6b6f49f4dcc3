"""How the service has the PAM helper check a password."""

import asyncio
import socket
from pathlib import Path

import msgspec

from libvirt_webrtc.errors import PamUnavailable
from libvirt_webrtc.pam.listening import peer_of
from libvirt_webrtc.pam.protocol import (
    ASK_S,
    CHECK_S,
    MAX_ANSWER_BYTES,
    CheckedUser,
    Question,
    read_answer,
    write_line,
)

ANSWER_S = ASK_S + CHECK_S + 2.0
"""The helper answers sooner, whatever PAM does."""


async def ask_helper(path: Path, name: str, password: str) -> CheckedUser:
    """What PAM says of a name and a password. Takes ``ANSWER_S`` at most; may be cancelled.

    An empty name is a way to find out whether the helper answers: it says no without asking PAM.

    Raises:
        PamUnavailable: the helper does not answer; says what to look at.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(path, limit=MAX_ANSWER_BYTES)
            try:
                _check_peer(writer, path)
                writer.write(write_line(Question(name, password)))
                return read_answer(await reader.readuntil(b"\n"))
            finally:
                writer.close()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        text = f"nobody listens at {path}: start libvirt-webrtc-pam.socket, or libvirt-webrtc pam-helper"
        raise PamUnavailable(text) from error
    except TimeoutError as error:
        raise PamUnavailable(f"the PAM helper at {path} did not answer within {ANSWER_S:g} s") from error
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        text = f"the PAM helper at {path} ended the connection: does it run for this user (--user)?"
        raise PamUnavailable(text) from error
    except (OSError, asyncio.LimitOverrunError, msgspec.MsgspecError) as error:
        raise PamUnavailable(f"the PAM helper at {path}: {error}") from error


def _check_peer(writer: asyncio.StreamWriter, path: Path) -> None:
    """A password goes to nobody but root, whoever made the socket."""
    connection: socket.socket = writer.get_extra_info("socket")
    _, uid = peer_of(connection)
    if uid != 0:
        raise PamUnavailable(f"user {uid} listens at {path}, not root: no password is sent there")
