"""Settings that several commands make of their options."""

from pathlib import Path

import pytest

from libvirt_webrtc.commands.options import connection_options, load_policy
from libvirt_webrtc.domains.definition.display import Gl
from libvirt_webrtc.probes import render


def test_with_gl_off_no_driver_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "can_render", None)
    file = tmp_path / "settings.toml"
    file.write_text('gl = "off"\n')
    policy = load_policy(connection_options().parse_args(["--config", str(file)]))
    assert policy.gl is Gl.OFF and policy.renders is None
