"""The service as a process: its address, its token, its end."""

import asyncio
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import termios
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

from libvirt_webrtc.config.access import ListenAddress
from libvirt_webrtc.config.load import Config
from libvirt_webrtc.config.video import VideoConfig
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.domains.reconciler import Reconciler
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal.auth.token import load_token
from libvirt_webrtc.probes import encoder, render, trial
from libvirt_webrtc.service import serve as serve_module
from libvirt_webrtc.service.serve import serve
from libvirt_webrtc.service.single_qemu import by_monitor, stream
from tests.media.helpers import soon
from tests.support.portal import free_port
from tests.support.stuck import python
from tests.support.waiting import wait_until

URI = "qemu+unix:///system?socket=/nonexistent"
"""Nobody answers there: what is tested here needs no libvirt."""


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """The process, its base URL, and the lines that it printed."""
    port = free_port()
    command = [sys.executable, "-m", "libvirt_webrtc", "serve", "--uri", URI, "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        try:
            count = 2 if "--token-file" in arguments else 3
            yield process, f"http://127.0.0.1:{port}", [process.stdout.readline() for _ in range(count)]
        finally:
            if process.poll() is None:
                process.kill()


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    """What it wrote to standard error."""
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_also_with_an_open_event_stream(number: signal.Signals) -> None:
    with serving() as (process, url, (portal, token, link)):
        assert portal == f"Portal: {url}/\n"
        secret = token.split()[1]
        assert link == f"Or open {url}/login#token={secret}\n"
        request = urllib.request.Request(url + "/api/events", headers={"Authorization": f"Bearer {secret}"})
        with urllib.request.urlopen(request, timeout=30) as events:
            assert events.readline().startswith(b'data: {"libvirt":{"connected":false')
            began = time.monotonic()
            said = end(process, number)
            print(f"ended after {time.monotonic() - began:.2f} s")
            assert "Traceback" not in said and secret not in said


def test_sighup_has_the_settings_read_again_and_a_terminal_that_closes_ends_the_program(
    tmp_path: Path,
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("downsample = false\n")
    command = [sys.executable, "-m", "libvirt_webrtc", "serve", "--uri", URI, "--config", str(settings)]
    command += ["--listen", f"127.0.0.1:{free_port()}"]
    ours, theirs = os.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, preexec_fn=take_terminal, pass_fds=(theirs,)
        )
    os.close(theirs)
    try:
        wait_until(lambda: "Portal: " in log.read_text(), "it serves", 60.0)
        settings.write_text("downsample = true\n")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "changed: downsample" in log.read_text(), "it has read them", 60.0)
        os.close(ours)
        ours = -1
        assert process.wait(60) == 0
    finally:
        if ours >= 0:
            os.close(ours)
        process.kill()
        process.wait()


def test_a_kept_token_is_made_for_its_owner_only_and_not_printed(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with serving("--token-file", str(path)) as (process, url, lines):
        token = path.read_text().strip()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert lines == [f"Portal: {url}/\n", f"Token:  in {path}\n"]
        assert token not in end(process)
    assert load_token(path) == token


@pytest.mark.parametrize("program", ["serve", "stream"])
async def test_drivers_that_hang_do_not_keep_the_portal_from_listening(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    monkeypatch.setattr(render, "render_nodes", lambda folder: [tmp_path])
    monkeypatch.setattr(encoder, "DEVICES", {"h264_nvenc": (str(tmp_path),)})
    for probe in (render, encoder):
        monkeypatch.setattr(probe, "trial_command", lambda module: python("import time; time.sleep(60)"))
    listen = ListenAddress("127.0.0.1", free_port())
    config = Config(uri=URI, listen=listen, video=VideoConfig(encoder="auto"))
    running = (
        serve(lambda: config) if program == "serve" else stream(lambda: config, by_monitor(tmp_path / "qmp"))
    )
    async with asyncio.timeout(trial.TIMEOUT_S / 2):
        serving = asyncio.create_task(running)
        while True:
            with suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection(listen.host, listen.port)
                break
            assert not serving.done()
            await asyncio.sleep(0.1)
    writer.close()
    serving.cancel()
    await asyncio.wait([serving])
    assert serving.cancelled()


async def test_with_gl_off_no_driver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    class Begins(Reconciler):
        async def __aenter__(self) -> Self:
            begun.set()
            return await super().__aenter__()

    monkeypatch.setattr(serve_module, "Reconciler", Begins)
    monkeypatch.setattr(render, "can_render", None)
    config = Config(uri=URI, listen=ListenAddress("127.0.0.1", free_port()), gl=Gl.OFF)
    serving = asyncio.create_task(serve(lambda: config))
    try:
        await soon(begun.wait())
    finally:
        serving.cancel()
        await asyncio.wait([serving])
    assert serving.cancelled()


@pytest.mark.parametrize("kept", [True, False])
def test_standard_output_on_a_full_disk_is_told_and_ends_nothing(tmp_path: Path, kept: bool) -> None:
    url = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "libvirt_webrtc", "serve", "--uri", URI, "--listen", url]
    arguments = ["--token-file", str(tmp_path / "token")] if kept else []
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen([*command, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stderr is not None
        try:
            said = next(line for line in process.stderr if "could not be printed" in line)
            with urllib.request.urlopen(f"http://{url}/healthz", timeout=30) as response:
                assert response.status == 200
            said += end(process)
        finally:
            process.kill()
    assert "No space left" in said and "Traceback" not in said and "Exception ignored" not in said
    assert ("--token-file" in said) == (not kept)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_log_on_a_full_disk_ends_nothing(tmp_path: Path, number: signal.Signals) -> None:
    url = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "libvirt_webrtc", "serve", "--uri", URI, "--listen", url]
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen(command, stdout=full, stderr=full)
    try:
        wait_until(lambda: _answers(url), "it serves", 60.0)
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://{url}/healthz", timeout=30) as response:
        return bool(response.status == 200)
    return False


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "libvirt_webrtc", "serve", "--uri", URI, "--listen", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"libvirt-webrtc: cannot listen on {address}" in done.stderr and "--listen" in done.stderr


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("qemu+ssh://root@far.example/system", "consoles need libvirt on this machine"),
        ("test:///default", "libvirt's test driver has none"),
        ("nonsense", "no libvirt URI"),
    ],
)
async def test_domains_that_cannot_have_consoles_here_are_refused_at_the_start(uri: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        await soon(serve(lambda: Config(uri=uri)))
