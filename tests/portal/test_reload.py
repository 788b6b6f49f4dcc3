"""SIGHUP: the settings are read again, and whoever takes something of them hears it."""

import logging
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from libvirt_webrtc.config.load import Config, load
from libvirt_webrtc.errors import ConfigError
from libvirt_webrtc.portal import signals as signals_module
from libvirt_webrtc.portal.reload import Reload
from libvirt_webrtc.portal.signals import Signals
from tests.media.helpers import soon


class Settings:
    """A file, and who hears of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Config] = []
        self.path.write_text('uri = "qemu:///system"\n')
        self.reload = Reload(load(path, {}), lambda: load(path, {}))

    async def hear(self, config: Config) -> None:
        self.heard.append(config)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings.toml")


async def test_what_changed_is_heard_and_logged(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    settings.reload.on_reload(settings.hear, "uri")
    settings.path.write_text('uri = "qemu:///session"\ndownsample = true\n')
    await settings.reload.again()
    assert [config.uri for config in settings.heard] == ["qemu:///session"]
    assert settings.reload.config == settings.heard[0]
    assert "changed: uri, downsample" in caplog.text
    assert "a restart of the service is needed for: downsample" in caplog.text
    await settings.reload.again()
    assert len(settings.heard) == 2, "a file that the settings name may have changed"
    assert "changed: none" in caplog.text


async def test_a_file_that_cannot_be_read_changes_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.reload.on_reload(settings.hear, "uri")
    before = settings.reload.config
    for broken in ("uri = ", 'tls = "maybe"', 'unknown = "x"'):
        settings.path.write_text(broken)
        await settings.reload.again()
    settings.path.unlink()
    await settings.reload.again()
    assert settings.heard == [] and settings.reload.config == before
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 4
    assert all("stay as they are" in record.message for record in caplog.records)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConfigError("this is no good"), "this is no good; what was in force"),
        (RuntimeError("this is a defect"), "RuntimeError: this is a defect"),
    ],
    ids=str,
)
async def test_who_cannot_take_it_keeps_nobody_else_from_it(
    settings: Settings, caplog: pytest.LogCaptureFixture, error: Exception, says: str
) -> None:
    async def refuse(config: Config) -> None:
        raise error

    settings.reload.on_reload(refuse)
    settings.reload.on_reload(settings.hear)
    await settings.reload.again()
    assert len(settings.heard) == 1 and says in caplog.text


@pytest.mark.parametrize("started_in_terminal", [False, True])
async def test_sighup_reloads_and_only_a_terminal_that_closed_ends_the_program(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, started_in_terminal: bool
) -> None:
    terminal = started_in_terminal
    monkeypatch.setattr(signals_module, "_has_terminal", lambda: terminal)
    heard: list[None] = []
    config = settings.reload.config

    async def hear(new: Config) -> None:
        heard.append(None)
        if len(heard) == 1:
            os.kill(os.getpid(), signal.SIGHUP)  # once more, meanwhile
        else:
            signals.terminated.set()

    reload = Reload(config, lambda: replace(config, uri="qemu:///session"))
    reload.on_reload(hear)
    async with Signals(reload.again) as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        await soon(signals.terminated.wait())
        assert len(heard) == 2 and reload.config.uri == "qemu:///session"
        signals.terminated.clear()
        if started_in_terminal:
            terminal = False
            os.kill(os.getpid(), signal.SIGHUP)
            await soon(signals.terminated.wait())
            assert len(heard) == 2
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
