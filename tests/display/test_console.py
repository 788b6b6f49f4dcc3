"""The object tree of real QEMUs, and the life of their connections."""

import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from libvirt_webrtc.display.bus import Bus
from libvirt_webrtc.display.console import Console
from libvirt_webrtc.display.display import Display
from libvirt_webrtc.display.registrations import RegistrationBudget
from libvirt_webrtc.errors import DisplayError
from tests.display.guest import F1, Guest, eventually, show, size, tap
from tests.display.peer import open_fds

OTHER_USER = """
import asyncio, os, socket, sys
from libvirt_webrtc.display.display import Display

async def main():
    os.setuid(65534)
    display = await Display.open(socket.socket(fileno=int(sys.argv[1])))
    print(os.getuid(), display.name)
    display.close()

asyncio.run(main())
"""


async def test_the_tree_tells_the_vm_and_its_console(display: Display, console: Console) -> None:
    assert display.name.startswith("QEMU") and display.uuid == "00000000-0000-0000-0000-000000000000"
    assert list(display.consoles) == [0]
    assert (console.label, console.kind) == ("VGA", "Graphic")
    assert console.width > 0 and console.height > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_a_process_of_another_user_can_use_a_socket_made_for_it(qemu: Guest) -> None:
    """As a worker without privileges does, whose control socket the system's libvirtd made."""
    with await qemu.open_display() as sock:
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OTHER_USER, str(sock.fileno())),
            cwd=Path(__file__).parents[2],
            pass_fds=[sock.fileno()],
            stdout=subprocess.PIPE,
        )
    said, _ = await worker.communicate()
    assert said.startswith(b"65534 QEMU")


async def test_fds_are_gone_after_closing(qemu: Guest) -> None:
    before = open_fds()
    display = await Display.open(await qemu.open_display())
    listener = await show(display.consoles[0])
    await eventually(partial(size, listener), "the first picture")
    display.close()
    display.close()
    # A mapped picture holds one for as long as it is kept.
    del listener
    assert open_fds() == before


async def test_another_client_takes_the_display_and_the_picture_goes_on(
    qemu: Guest, console: Console, display: Display
) -> None:
    listener = await show(console)
    await qemu.booted()
    other = await Display.open(await qemu.open_display())
    await display.wait_closed()
    with pytest.raises(DisplayError):
        await console.keyboard.press(0x1E)
    other.consoles[0].adopt(listener)
    await tap(other.consoles[0], F1)
    await eventually(lambda: size(listener) == (640, 480), "640x480")
    assert not listener.closed
    other.close()


async def test_qemu_that_is_stopped_times_out_and_leaves_nothing(
    qemu: Guest, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Bus.call

    async def hasty(bus: object, *arguments: object, **options: object) -> object:
        return await call(bus, *arguments, **(options | {"timeout_s": 0.1}))  # type: ignore[arg-type]

    monkeypatch.setattr(Bus, "call", hasty)
    before = open_fds()
    qemu.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(DisplayError, match="not answered"):
            await show(console)
    finally:
        qemu.process.send_signal(signal.SIGCONT)
    assert open_fds() == before


async def test_qemu_that_dies_closes_display_and_listener(
    qemu: Guest, console: Console, display: Display
) -> None:
    listener = await show(console)
    qemu.process.kill()
    await display.wait_closed()
    assert listener.bus is not None
    await listener.bus.wait_closed()


async def test_registrations_are_limited_over_all_connections_to_one_qemu(qemu: Guest) -> None:
    told: list[int] = []
    budget = RegistrationBudget(5, limit=7, on_use=told.append)
    first = await Display.open(await qemu.open_display(), registrations=budget)
    await show(first.consoles[0])
    second = await Display.open(await qemu.open_display(), registrations=budget)
    await show(second.consoles[0])
    with pytest.raises(DisplayError, match="registered 7 times"):
        await show(second.consoles[0])
    assert told == [6, 7]
    first.close()
    second.close()
