"""Trials that hang, without waiting long for them."""

import pytest

from libvirt_webrtc.probes import trial


@pytest.fixture
def short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial may take 2 s, in which Python starts also on a busy machine."""
    monkeypatch.setattr(trial, "TIMEOUT_S", 2.0)
