"""A worker that is locked in reaches a real TURN server in every way, certificates and all."""

import os
import socket
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from libvirt_webrtc.config.ice import IceConfig, IceServer
from libvirt_webrtc.config.ice_ports import PortRange
from libvirt_webrtc.service.rights import worker_rights
from libvirt_webrtc.worker import main, process
from libvirt_webrtc.worker.process import WorkerProcess
from libvirt_webrtc.worker.sandbox import landlock
from libvirt_webrtc.worker.settings import WorkerSettings
from tests.media.helpers import soon, until
from tests.support.grants import ADMIN
from tests.support.qmp import Qemu
from tests.support.turn import make_certificate, turn_server
from tests.support.udp_ports import udp_ports
from tests.worker.viewer_client import ViewerClient

PORTS = PortRange(51000, 51019)
OURS = set(range(51000, 51020))


def enter(certificate: Path, with_landlock: bool, sock: socket.socket, settings: WorkerSettings) -> None:
    """In the place of :func:`libvirt_webrtc.worker.process._enter`: the operator's own certificates."""
    os.environ["SSL_CERT_FILE"] = str(certificate)
    if not with_landlock:
        landlock.version = lambda: 0
    main.run(sock, settings)


@pytest.mark.parametrize("with_landlock", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "turn:127.0.0.1:{}",
        "turn:127.0.0.1:{}?transport=tcp",
        "turns:127.0.0.1:{}",
        "turn:localhost:{}?transport=tcp",
    ],
)
async def test_a_locked_worker_has_a_relay(tmp_path: Path, url: str, with_landlock: bool) -> None:
    # Root's worker is another user, who must get at the certificate.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    certificate = make_certificate(tmp_path, "127.0.0.1")
    certificate.chmod(0o644)
    with turn_server(tmp_path, user=("user", "secret"), certificate=certificate) as port:
        ice = IceConfig((IceServer((url.format(port),), "user", "secret"),))
        settings = WorkerSettings(
            domain_name="demo",
            downsample=False,
            offer_loopback=True,
            log_level=30,
            ice_ports=PORTS,
            rights=worker_rights(ice, graphics=False, gl_device="auto", encoders=()),
        )
        async with Qemu("-S", "-device", "VGA") as qemu:
            with mock.patch.object(process, "_enter", partial(enter, certificate, with_landlock)):
                worker = await WorkerProcess.start(settings)
            try:
                await worker.use_display((await qemu.open_display()).detach())
                await until(lambda: bool(worker.consoles))
                async with ViewerClient() as viewer:
                    answer = await soon(worker.offer("viewer", 0, await viewer.offer(), ADMIN, ice.servers))
                    assert "typ relay" in answer
                    assert answer.count("typ host") and not set(udp_ports(worker.pid)) - OURS
            finally:
                await worker.close()
