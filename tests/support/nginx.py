"""A real nginx in front of a portal, with the configuration that docs/reverse-proxy.md and docs/install.md show."""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.portal import free_port
from tests.support.turn import make_certificate
from tests.support.waiting import wait_until

DOCUMENTS = Path(__file__).parents[2] / "docs"
HOST = "vm.localhost"
"""A name that browsers take for this machine by themselves, and the portal for a foreign one."""
FOLDER = "/console/"

_WHOLE = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where nginx listens: its HTTPS and HTTP."""

    tls: int
    plain: int

    @classmethod
    def free(cls) -> "Ports":
        return cls(free_port(), free_port())

    @property
    def url(self) -> str:
        """What users type."""
        return f"https://{HOST}:{self.tls}{FOLDER}"


def has_public_url(arguments: Sequence[str]) -> bool:
    """Whether the settings that a portal's arguments name are for a proxy of the test's own."""
    named = [Path(path) for option, path in pairwise(arguments) if option == "--config"]
    return any("public_url" in path.read_text() for path in named)


def with_public_url(arguments: Sequence[str], folder: Path, ports: Ports) -> list[str]:
    """A portal's arguments, with the settings that it needs behind this nginx: in the file that they name, or in one of
    its own. A test may write its file anew later: these settings are read at the start only."""
    given = list(arguments)
    if "--config" in given:
        path = Path(given[given.index("--config") + 1])
    else:
        path = folder / f"behind-{ports.tls}.toml"
        given += ["--config", str(path)]
    with path.open("a") as file:
        file.write(f'\n[portal]\npublic_url = "{ports.url}"\ntrusted_proxies = ["127.0.0.1"]\n')
    return given


def documented(document: str = "reverse-proxy.md") -> str:
    """The configuration in the document."""
    found = re.search(r"^```nginx\n(.*?)^```", (DOCUMENTS / document).read_text(), re.M | re.S)
    assert found is not None
    return found[1]


def asking(folder: Path, *users: str) -> Callable[[str], str]:
    """Has nginx sign in these users itself, whose names are their passwords, as docs/install.md shows it."""
    file = folder / "users"
    file.write_text("".join(f"{user}:{{PLAIN}}{user}\n" for user in users))
    file.chmod(0o644)
    asks = documented("install.md").replace("/etc/nginx/users", str(file))
    assert str(file) in asks
    return lambda text: text.replace("proxy_http_version 1.1;", asks + "proxy_http_version 1.1;")


@contextmanager
def nginx(
    folder: Path, ports: Ports, portal: str, change: Callable[[str], str] = lambda text: text
) -> Iterator[None]:
    """Run it in front of the portal at the authority ``portal``, with what ``change`` makes of its configuration.

    Skips the test where nginx is not installed.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("needs nginx: run tests/run.sh as root")
    certificate = make_certificate(folder, "127.0.0.1")
    servers = change(documented())
    for text, other in {
        "listen 80;": f"listen 127.0.0.1:{ports.plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{ports.tls} ssl;",
        "vm.example.org;": f"{HOST};",
        "$host$request_uri": f"$host:{ports.tls}$request_uri",
        "/etc/ssl/vm.example.org.pem": str(certificate),
        "/etc/ssl/vm.example.org.key": str(certificate),
        "127.0.0.1:8080": portal,
    }.items():
        assert text in servers, text
        servers = servers.replace(text, other)
    configuration = folder / "nginx.conf"
    configuration.write_text(_WHOLE.format(folder=folder, servers=servers))
    errors = folder / "error.log"
    process = subprocess.Popen(
        [program, "-c", str(configuration), "-p", str(folder), "-e", str(errors)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def listens() -> bool:
        assert process.poll() is None, errors.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", ports.tls)) == 0

    try:
        wait_until(listens, "nginx listens")
        yield
    finally:
        process.terminate()
        process.wait(20)
        if errors.exists():
            print(errors.read_text())
