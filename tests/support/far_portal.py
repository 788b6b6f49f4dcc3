"""Runs a portal in another network namespace, and brings its pages here as ``ssh -L`` would: by one TCP port.

``python -m tests.support.far_portal PID COMMAND...``: PID is of a process in that namespace, and COMMAND has
``--listen 127.0.0.1:PORT``, the port that it is reached at here as well. Signals and the exit status are the command's.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from contextlib import suppress


def _enter(pid: str) -> None:
    """Move this thread, which is the only one, into a network namespace."""
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(namespace)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _main(listening: socket.socket, port: int, command: list[str]) -> int:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))

    portal = await asyncio.create_subprocess_exec(*command)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, portal.send_signal, number)
    async with await asyncio.start_server(connected, sock=listening):
        return await portal.wait()


if __name__ == "__main__":
    _pid, *_command = sys.argv[1:]
    _port = int(_command[_command.index("--listen") + 1].rpartition(":")[2])
    # A socket belongs to the namespace that it is made in.
    _listening = socket.create_server(("127.0.0.1", _port))
    _enter(_pid)
    sys.exit(asyncio.run(_main(_listening, _port, _command)))
