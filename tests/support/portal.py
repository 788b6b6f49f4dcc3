"""The portal as a process, started as a user starts it."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

STOP_S = 15.0

ANY_CERTIFICATE = ssl.create_default_context()
"""For portals whose certificate nobody signed."""
ANY_CERTIFICATE.check_hostname, ANY_CERTIFICATE.verify_mode = False, ssl.CERT_NONE


class Portal:
    """``libvirt-webrtc serve``, or ``stream``, on a free port.

    Attributes:
        own: where it serves, without a slash at the end.
        url: where browsers open it: the same, or a reverse proxy's address.
        token: what one signs in with.
        log: its log file.
        process: the running process.
    """

    def __init__(
        self,
        folder: Path,
        uri: str | None,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        *,
        prefix: Sequence[str] = (),
        owner: int | None = None,
        host: str = "127.0.0.1",
        scheme: str = "http",
    ) -> None:
        """Start ``serve``, or ``stream`` where there is no ``uri``. ``prefix`` is a program that runs it, as the user
        ``owner``. It listens on ``host``, where it is to speak what ``scheme`` says."""
        command = ["stream"] if uri is None else ["serve", "--uri", uri]
        port = free_port(host)
        self.own = self.url = f"{scheme}://{host}:{port}"
        self.token = os.urandom(16).hex()
        self.log = folder / f"portal-{port}.log"
        token_file = folder / f"token-{port}"
        token_file.touch(mode=0o600)
        token_file.write_text(self.token)
        if owner is not None:
            os.chown(token_file, owner, owner)
        self._command = [*prefix, sys.executable, "-m", "libvirt_webrtc", *command]
        self._command += ["--listen", f"{host}:{port}", "--token-file", str(token_file), *arguments]
        self._environment = {**os.environ, **(environment or {})}
        self.process = self._begin()

    def restart(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process with a signal, and start it again as it was. Returns when it serves."""
        self.process.send_signal(number)
        self.process.wait(STOP_S)
        self.process = self._begin()

    def get(self, path: str) -> Any:
        """GET a path as a signed-in viewer, and return the answer's JSON."""
        request = urllib.request.Request(self.own + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30, context=ANY_CERTIFICATE) as response:
            return json.load(response)

    def domain(self, uuid: str) -> dict[str, Any] | None:
        """Return a domain as the list shows it now; None where it does not."""
        listed: list[dict[str, Any]] = self.get("/api/domains")["domains"]
        return next((domain for domain in listed if domain["uuid"] == uuid), None)

    def wait_console(self, uuid: str, state: str = "ready") -> dict[str, Any]:
        """Wait until a domain's console is in ``state``; the domain as listed then."""

        def reached() -> dict[str, Any] | None:
            domain = self.domain(uuid)
            return domain if domain is not None and domain["console"]["state"] == state else None

        return wait_until(reached, f"the console of {uuid} is {state} (log: {self.log.read_text()[-2000:]})")

    def close(self) -> None:
        """Stop it as Ctrl-C does. Calling it twice is fine.

        Raises:
            AssertionError: it did not end in time, or not well.
        """
        if self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the portal did not end within {STOP_S:g} s of SIGINT") from None
        assert status in (0, 130), f"the portal ended with status {status}"

    def _begin(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )
        wait_until(lambda: self._serves(process), "the portal serves", 60.0)
        return process

    def _serves(self, process: "subprocess.Popen[bytes]") -> bool:
        assert process.poll() is None, f"the portal ended:\n{self.log.read_text()}"
        try:
            with urllib.request.urlopen(
                self.own + "/healthz", timeout=5, context=ANY_CERTIFICATE
            ) as response:
                return bool(response.status == 200)
        except OSError:
            return False


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of this IPv4 address on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
