"""A host beyond a network: a namespace with addresses of its own, in which a portal serves, and a tunnel to its pages.

For tests in the private world (tests/support/private_world.sh), whose routes they change. Root.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from tests.support.libvirtd import in_private_world

NEAR4, FAR4 = "10.214.0.1", "10.214.0.2"
NEAR6, FAR6 = "fd00:214::1", "fd00:214::2"
"""The addresses at the near end of the cable, where browsers run, and at the far one."""


@dataclass(frozen=True, slots=True)
class FarHost:
    """A namespace, named by a process in it."""

    pid: int

    @property
    def inside(self) -> tuple[str, ...]:
        """Begins a command line of what is to run there."""
        return ("nsenter", "--net", "--target", str(self.pid), "--")

    @property
    def prefix(self) -> tuple[str, ...]:
        """Begins the command line of a portal that is to run there, and to be reached here."""
        return (sys.executable, "-m", "tests.support.far_portal", str(self.pid))

    @property
    def short_credentials(self) -> tuple[str, ...]:
        """The same beyond that, for a program of :mod:`tests.support.short_credentials`."""
        return (sys.executable, "-m", "tests.support.short_credentials")

    def run(self, *command: str) -> None:
        """Run a command there."""
        subprocess.run([*self.inside, *command], check=True)


@contextmanager
def far_host(*, ipv4: bool = True, ipv6: bool = False) -> Iterator[FarHost]:
    """A host with one card, whose cable ends here; it has the addresses above, of the versions that are asked for."""
    if not in_private_world():
        pytest.skip("changes routes: run tests/run.sh as root")
    with ExitStack() as stack:
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        stack.callback(holder.wait)
        stack.callback(holder.kill)
        host = FarHost(holder.pid)
        _wait_for_namespace(holder.pid)
        _ip("link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", str(holder.pid))
        stack.callback(_ip, "link", "delete", "near0")
        host.run("ip", "link", "set", "lo", "up")
        if not ipv6:
            host.run("sysctl", "--quiet", "net.ipv6.conf.far0.disable_ipv6=1")
        if ipv4:
            _ip("address", "add", f"{NEAR4}/24", "dev", "near0")
            host.run("ip", "address", "add", f"{FAR4}/24", "dev", "far0")
        if ipv6:
            _ip("address", "add", f"{NEAR6}/64", "dev", "near0", "nodad")
            host.run("ip", "address", "add", f"{FAR6}/64", "dev", "far0", "nodad")
        _ip("link", "set", "near0", "up")
        host.run("ip", "link", "set", "far0", "up")
        if ipv4:
            host.run("ip", "route", "add", "default", "via", NEAR4)
        if ipv6:
            # Browsers use IPv6 where a default route says that there is any.
            _ip("-6", "route", "add", "default", "via", FAR6, "dev", "near0")
            host.run("ip", "-6", "route", "add", "default", "via", NEAR6)
        yield host


@contextmanager
def mapped(outside: str, inside: str) -> Iterator[None]:
    """A router in between, which maps an address to another one for what is sent from here (1:1 NAT)."""
    rule = ["OUTPUT", "-d", outside, "-j", "DNAT", "--to-destination", inside]
    subprocess.run(["iptables", "-t", "nat", "-A", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run(["iptables", "-t", "nat", "-D", *rule], check=True)


def _wait_for_namespace(pid: int) -> None:
    own = os.readlink("/proc/self/ns/net")
    while True:
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/ns/net") != own:
                return


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
