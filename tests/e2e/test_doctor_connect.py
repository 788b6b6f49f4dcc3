"""``doctor --connect``: a viewer without a browser, of a real portal on a host beyond a network."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.far_host import FAR4, NEAR4, far_host
from tests.support.guests import GuestFactory
from tests.support.libvirtd import URI
from tests.support.portal import Portal
from tests.support.turn import turn_server

pytestmark = pytest.mark.libvirt

SECRET = "of-this-test-alone"


def connect(portal: Portal, settings: Path, name: str, token: str | None = None) -> tuple[int, str]:
    """The exit status and what it says, from this end of the cable."""
    token_file = settings.with_name("token")
    token_file.touch(mode=0o600)
    token_file.write_text(token or portal.token)
    command = [sys.executable, "-m", "libvirt_webrtc", "doctor", "--connect", "--config", str(settings)]
    command += ["--url", portal.own, "--token-file", str(token_file), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stderr == "" and SECRET not in done.stdout
    return done.returncode, done.stdout


def test_a_viewer_tells_which_way_won_and_what_stops_the_others(
    make_guest: GuestFactory, tmp_path: Path
) -> None:
    guest = make_guest()
    by_webrtc = f"the console of {guest.name} by WebRTC"
    by_websocket = f"the console of {guest.name} by a WebSocket, over the portal's own port"
    settings = tmp_path / "config.toml"
    with far_host() as host, turn_server(tmp_path, secret=SECRET, host=NEAR4, relay=NEAR4) as port:
        relay = f"turn:{NEAR4}:{port}?transport=tcp"
        settings.write_text(
            f'[ice]\nports = "50000-50009"\nsecret = "{SECRET}"\nservers = [{{urls = "{relay}"}}]\n'
        )
        portal = Portal(tmp_path, URI, None, ["--config", str(settings)], prefix=host.prefix)
        try:
            portal.wait_console(guest.uuid)
            status, told = connect(portal, settings, guest.name)
            assert status == 0
            assert f"ok       ice: {relay} relays, at {NEAR4}:" in told
            assert f"ok       connect: {by_webrtc}: a picture of " in told
            assert f"ok       connect: {by_websocket}, which pages take where WebRTC" in told
            assert "direct, UDP over IPv4, from " in told and f"to {FAR4}:5000" in told
            assert f"ok       connect: by {relay} alone: a picture after" in told

            host.run("iptables", "-A", "INPUT", "-p", "udp", "!", "-i", "lo", "-j", "DROP")
            host.run("iptables", "-A", "OUTPUT", "-p", "udp", "!", "-o", "lo", "-j", "DROP")
            status, told = connect(portal, settings, guest.name)
            assert status == 0, "both sides have relays by TCP"
            assert f"ok       connect: {by_webrtc}: a picture of " in told and "by a relay" in told
            assert "warning  connect: without a relay: no way in 10 s; tried: " in told
            assert f"{FAR4}:5000" in told and "(no answer)" in told
            assert "-> a relay costs time; let UDP 50000-50009 in" in told

            host.run("iptables", "-A", "OUTPUT", "-p", "tcp", "--dport", str(port), "-j", "REJECT")
            status, told = connect(portal, settings, guest.name)
            assert status == 1, "the TURN server gives nothing"
            assert f"warning  connect: {by_webrtc}: no way in 10 s; tried: " in told
            assert f"ok       connect: {by_websocket}, which pages take now: a picture of " in told
            assert f"tried: {FAR4}:5000" in told and "(no answer)" in told

            status, told = connect(portal, settings, guest.name, "wrong" * 5)
            assert status == 1 and "problem  connect: it does not take the token" in told
            status, told = connect(portal, settings, "nobody")
            assert status == 1 and "problem  connect: it shows no domain nobody" in told
        finally:
            portal.close()
            print(portal.log.read_text())
