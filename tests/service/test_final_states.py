"""Consoles that cannot be opened whatever is tried: said once, in a sentence, and not tried again. Workers are real."""

import asyncio

import pytest

from libvirt_webrtc.agent.interface import ConsoleState
from libvirt_webrtc.errors import DisplayUnusable, NoConsole
from libvirt_webrtc.service import worker_supervisor as worker_supervisor_module
from libvirt_webrtc.service.worker_supervisor import DisplaySource, WorkerSupervisor
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu

SETTINGS = WorkerSettings(domain_name="demo", downsample=False, offer_loopback=True, log_level=30)


async def test_a_display_that_will_never_open_is_tried_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_supervisor_module, "RETRY_DELAYS_S", (0.01,))
    tries = 0

    async def open_display() -> int:
        nonlocal tries
        tries += 1
        raise DisplayUnusable("its QEMU was started without it: remove -nographic")

    supervisor = WorkerSupervisor(SETTINGS, DisplaySource(open_display), lambda: None)
    try:
        await until(lambda: supervisor.state is ConsoleState.NONE)
        await asyncio.sleep(0.3)
        assert (supervisor.state, tries, supervisor.worker_pid) == (ConsoleState.NONE, 1, None)
        assert supervisor.reason == "its QEMU was started without it: remove -nographic"
        assert caplog.text.count("remove -nographic") == 1
        with pytest.raises(NoConsole, match="remove -nographic"):
            await supervisor.offer(0, "v=0", ADMIN)
    finally:
        await supervisor.close()


async def test_a_qemu_without_a_screen_is_not_ready() -> None:
    async with Qemu() as qemu:

        async def open_display() -> int:
            return (await qemu.open_display()).detach()

        supervisor = WorkerSupervisor(SETTINGS, DisplaySource(open_display), lambda: None)
        try:
            await until(lambda: supervisor.state is ConsoleState.NONE)
            assert str(supervisor.reason).startswith("it has no screen")
            with pytest.raises(NoConsole, match="no screen"):
                await supervisor.offer(0, "v=0", ADMIN)
        finally:
            await supervisor.close()
