"""A libvirt that takes calls and does not answer: commands say what they wait for, end, and can be ended."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from libvirt_webrtc.cli import main
from libvirt_webrtc.commands import attach as attach_command
from libvirt_webrtc.commands import domains as domains_command
from libvirt_webrtc.commands import options
from libvirt_webrtc.doctor import checkup
from libvirt_webrtc.domains import actions, asking
from libvirt_webrtc.domains.asking import ask
from libvirt_webrtc.domains.managed_save import OnProgress, Phase, Progress
from libvirt_webrtc.errors import NoAnswer

URI = "test:///default"
ENDS_S = 60.0
"""Only guards against waiting for ever."""


@pytest.fixture
def answer() -> Iterator[threading.Event]:
    """Lets the calls that hang come back."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name in ("limited-call", "libvirt-call"):
            thread.join(ENDS_S)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ANSWER_S", 0.5)
    monkeypatch.setattr(asking, "FIRST_WORD_S", 0.05)
    monkeypatch.setattr(asking, "NEXT_WORD_S", 0.1)
    # libvirt's test driver answers here whatever the machine has.
    monkeypatch.setattr(options, "check_driver", lambda _: None)
    monkeypatch.setattr(checkup, "check_local", lambda _: None)


def test_who_waits_is_told_again_and_again_until_there_is_an_answer(
    impatient: None, answer: threading.Event
) -> None:
    told = threading.Semaphore(0)

    def question() -> str:
        for _ in range(3):
            assert told.acquire(timeout=ENDS_S)
        return "here"

    assert ask(question, ENDS_S, on_wait=told.release) == "here"
    with pytest.raises(NoAnswer, match=r"not answered for 0\.5 s.*systemctl status"):
        ask(answer.wait)


@pytest.mark.parametrize("command", ["show", "enable", "disable"])
def test_commands_say_what_they_wait_for_and_end(
    command: str,
    impatient: None,
    answer: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def silent(*_: object, **__: object) -> None:
        answer.wait()

    monkeypatch.setattr(domains_command, "inspect", silent)
    monkeypatch.setattr(actions, "enable", silent)
    monkeypatch.setattr(actions, "disable", silent)
    monkeypatch.setenv("LIBVIRT_WEBRTC_GL", "off")
    assert main([command, "test", "--uri", URI]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"waiting for libvirt at {URI}: ") and "QEMU" in lines[0]
    assert "has not answered" in lines[-1] and "systemctl status" in lines[-1]


def test_doctor_says_it_and_ends(
    impatient: None,
    answer: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(checkup, "check_hypervisor", lambda _: iter([answer.wait()]))
    assert main(["doctor", "--uri", URI]) == 1
    assert "problem  libvirt: libvirt has not answered" in capsys.readouterr().out


def test_attach_ends_at_a_signal_before_anything_was_touched(tmp_path: Path) -> None:
    path = tmp_path / "libvirt-sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "libvirt_webrtc", "attach", "d"]
            + ["--uri", f"qemu+unix:///system?socket={path}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        client, _ = silent.accept()
        with client:
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=ENDS_S)
    assert (process.returncode, output) == (1, "")
    assert errors == "libvirt-webrtc: interrupted; nothing was changed\n"


def test_a_second_signal_does_not_wait_for_the_end_of_a_save(
    answer: threading.Event, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def attach(_uri: str, _domain: str, tell: OnProgress, cancelled: threading.Event) -> None:
        tell(Progress(Phase.SAVING, None))
        os.kill(os.getpid(), signal.SIGTERM)
        assert cancelled.wait(ENDS_S)
        os.kill(os.getpid(), signal.SIGTERM)
        answer.wait()

    monkeypatch.setattr(attach_command, "attach", attach)
    assert main(["attach", "a b", "--uri", "qemu:///system"]) == 1
    assert (
        "interrupted; if the guest stays saved, `virsh start 'a b'` lets it go on" in capsys.readouterr().err
    )
