"""What workers are allowed, by the configuration."""

from pathlib import Path

import pytest

from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.service import rights
from libvirt_webrtc.service.rights import worker_rights
from libvirt_webrtc.worker.sandbox.rights import Rights

NO_ICE = IceConfig()


def with_servers(*urls: str) -> IceConfig:
    return IceConfig((IceServer(urls, "user", "secret"),))


def allowed(
    ice: IceConfig = NO_ICE, *, gl_device: str | None = None, encoders: tuple[str, ...] = ()
) -> Rights:
    graphics = gl_device is not None
    return worker_rights(ice, graphics=graphics, gl_device=gl_device or "auto", encoders=encoders)


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two render nodes and NVIDIA's files."""
    for name in ("renderD128", "renderD129", "card0", "nvidia0", "nvidiactl"):
        (tmp_path / name).touch()
    nodes, nvidia = f"{tmp_path}/renderD*", (f"{tmp_path}/nvidia*",)
    monkeypatch.setattr(rights, "_RENDER_NODES", nodes)
    monkeypatch.setattr(rights, "_NVIDIA", nvidia)
    monkeypatch.setattr(rights, "_ENCODERS", {"h264_qsv": (nodes,), "h264_nvenc": nvidia})
    return tmp_path


def test_a_plain_display_needs_nothing(devices: Path) -> None:
    assert allowed() == Rights()


def test_ports_of_turn_servers_by_tcp_and_whether_names_are_resolved() -> None:
    assert allowed(with_servers("stun:192.0.2.1", "turn:[2001:db8::1]:99?transport=udp")) == Rights()
    by_tcp = allowed(with_servers("turn:192.0.2.1:99?transport=tcp", "turns:192.0.2.1", "turns:192.0.2.2"))
    assert by_tcp == Rights(tcp_ports=(99, 5349), resolves_names=True), "certificates are in files as well"
    assert allowed(with_servers("turn:192.0.2.1:99?transport=tcp")) == Rights(tcp_ports=(99,))
    assert allowed(with_servers("turns:192.0.2.1?transport=udp")) == Rights(), "browsers' only"
    assert allowed(with_servers("stun:stun.example.org")) == Rights(resolves_names=True)


@pytest.mark.parametrize(
    ("gl_device", "names"),
    [
        ("auto", {"renderD128", "renderD129", "nvidia0", "nvidiactl"}),
        ("software", set()),
        ("renderD129", {"renderD129", "nvidia0", "nvidiactl"}),
        ("renderD130", {"nvidia0", "nvidiactl"}),
    ],
)
def test_opengl_needs_the_nodes_that_it_may_use(devices: Path, gl_device: str, names: set[str]) -> None:
    setting = f"{devices}/{gl_device}" if gl_device.startswith("render") else gl_device
    found = allowed(gl_device=setting)
    assert found.graphics
    assert set(found.devices) == {f"{devices}/{name}" for name in names}


def test_encoders_need_their_devices(devices: Path) -> None:
    assert allowed(encoders=("h264_qsv",)) == Rights(
        devices=(f"{devices}/renderD128", f"{devices}/renderD129")
    )
    assert allowed(encoders=("h264_nvenc",)) == Rights(devices=(f"{devices}/nvidia0", f"{devices}/nvidiactl"))


def test_every_encoder_that_is_tried_has_its_devices() -> None:
    from libvirt_webrtc.probes.encoder import DEVICES

    assert rights._ENCODERS.keys() == DEVICES.keys()
