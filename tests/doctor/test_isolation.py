"""What doctor says of the layers that lock workers in."""

import sys

import pytest

from libvirt_webrtc.doctor.isolation import check_isolation
from libvirt_webrtc.hook.check import Level
from libvirt_webrtc.worker.sandbox import identity, landlock, seccomp
from libvirt_webrtc.worker.sandbox.survey import survey


def levels() -> dict[str, tuple[Level, str]]:
    return {finding.subject: (finding.level, finding.text) for finding in check_isolation(survey())}


def test_all_layers_are_here() -> None:
    """Of every kernel that the tests run on."""
    assert {level for level, _ in levels().values()} == {Level.OK}
    assert levels().keys() == {"workers: ids", "workers: system calls", "workers: files"}


def test_an_older_kernel_does_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 3)
    level, text = levels()["workers: files"]
    assert level is Level.OK and "TCP" in text and "signals" in text


def test_what_a_kernel_lacks_is_a_warning_that_says_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    monkeypatch.setattr(seccomp, "is_supported", lambda: False)
    monkeypatch.setattr(identity, "may_change_ids", lambda: False)
    found = levels()
    assert found["workers: files"][0] is Level.WARNING
    assert found["workers: system calls"][0] is Level.WARNING
    assert found["workers: ids"][0] is Level.OK


def test_without_libseccomp_no_worker_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["libvirt_webrtc.worker.sandbox"], "seccomp")
    monkeypatch.delitem(sys.modules, "libvirt_webrtc.worker.sandbox.seccomp")
    monkeypatch.delitem(sys.modules, "pyseccomp")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None if name == "seccomp" else "libc.so.6")
    level, text = levels()["workers: system calls"]
    assert level is Level.PROBLEM and "libseccomp2" in text
