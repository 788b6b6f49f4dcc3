"""Fixtures for all tests; see tests/support for what they hand out."""

import asyncio
import logging
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from libvirt_webrtc.config.load import STATE_VARIABLE
from libvirt_webrtc.domains.libvirt_api import VirConnect, open_connection
from tests.support.browsers import BrowserName, launch, why_not
from tests.support.domains import DomainFactory, MakeDomain
from tests.support.emulators import emulators
from tests.support.guests import GuestFactory
from tests.support.leaks import SETTLE_S, Snapshot, left_since
from tests.support.libvirtd import PrivateLibvirtd, in_private_world
from tests.support.nginx import Ports, has_public_url, nginx, with_public_url
from tests.support.portal import Portal
from tests.support.stuck import kill_and_wait

GUESTS_VARIABLE = "LIBVIRT_WEBRTC_TEST_GUESTS"
"""Folder of the built demo guests; set by tests/run.sh."""

LONG_VARIABLE = "LIBVIRT_WEBRTC_TEST_LONG"
"""Set to 1, tests that take minutes run as well; ``tests/run.sh --long`` sets it."""


PROXY_VARIABLE = "LIBVIRT_WEBRTC_TEST_PROXY"
"""Set to 1, browsers reach portals through nginx, with its TLS, another host name and in a folder; ``tests/run.sh
--behind-proxy`` sets it."""

LONG_TIMEOUT_S = 3600
"""Limit for one of these, in seconds; pyproject.toml has that of the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, unless it is asked for."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(LONG_TIMEOUT_S))
            if os.environ.get(LONG_VARIABLE) != "1":
                item.add_marker(pytest.mark.skip("takes minutes: run tests/run.sh --long"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with ``emulator`` runs once for each QEMU that is here."""
    if "emulator" in metafunc.fixturenames:
        present = emulators()
        metafunc.parametrize("emulator", present, ids=[each.name for each in present], scope="session")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_ends() -> None:
    """Behind a script's ``&`` it is ignored, and so it would be by every child."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What programs started here take for their state folder: never the machine's own."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(folder))
        yield folder


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Takes back what a command that ran in this process set up: the next test's caplog would see less."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fails a test that leaves a process, an open file descriptor or a domain."""
    before = Snapshot.take()
    yield
    left = left_since(before)
    assert not left, "left behind: " + "; ".join(left)


@pytest.fixture(autouse=True)
async def no_task_left_behind(nothing_left_behind: None) -> AsyncIterator[None]:
    """Fails a test that leaves an asyncio task; looked at before the loop would cancel it."""
    yield
    own = asyncio.current_task()
    if others := asyncio.all_tasks() - {own}:
        await asyncio.wait(others, timeout=SETTLE_S)
    left = [str(task) for task in asyncio.all_tasks() if task is not own]
    assert not left, "left behind: " + "; ".join(left)


@pytest.fixture
def pid_file(tmp_path: Path, nothing_left_behind: None) -> Iterator[Path]:
    """Where a command of tests/support/stuck.py writes the id of a process; that one is killed at the end."""
    path = tmp_path / "pid"
    yield path
    if path.exists():
        kill_and_wait(int(path.read_text()))
        subprocess.run(["true"], check=True)  # starting a process collects those that were given up


@pytest.fixture(scope="session")
def libvirtd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateLibvirtd]:
    """The private daemon itself, for tests that stop or restart it; it must run again at their end."""
    if not in_private_world():
        pytest.skip("needs a private libvirtd: run tests/run.sh as root")
    with PrivateLibvirtd(tmp_path_factory.mktemp("libvirtd")) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def libvirt_uri(libvirtd: PrivateLibvirtd) -> str:
    """Where the private libvirtd answers."""
    return libvirtd.uri


@pytest.fixture(scope="session")
def guests() -> Path:
    """The folder with the built demo guests: baremetal.elf, linux.vmlinuz, linux.initrd."""
    folder = os.environ.get(GUESTS_VARIABLE)
    if folder is None:
        pytest.skip("needs the built demo guests: run tests/run.sh as root")
    return Path(folder)


@pytest.fixture
def make_guest(libvirt_uri: str, guests: Path) -> Iterator[GuestFactory]:
    """Makes demo guests as domains, on the installed QEMU unless told; all are removed at the end."""
    factory = GuestFactory(guests, emulators()[0])
    yield factory
    factory.close()


@pytest.fixture
def make_domain(libvirt_uri: str) -> Iterator[MakeDomain]:
    """Makes small domains; all are removed at the end."""
    factory = DomainFactory()
    yield factory
    factory.close()


@pytest.fixture
def hypervisor(libvirt_uri: str) -> Iterator[VirConnect]:
    """A blocking connection to the private libvirtd."""
    connection = open_connection(libvirt_uri)
    yield connection
    connection.close()


@pytest.fixture
def start_portal(libvirt_uri: str, tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """Starts portals, with further environment variables and arguments, and elsewhere, if given; all are stopped at
    the end."""
    started: list[Portal] = []
    proxies = ExitStack()

    def start(environment: Mapping[str, str] | None = None, *arguments: str, **where: Any) -> Portal:
        ports, given = Ports.free(), list(arguments)
        behind = os.environ.get(PROXY_VARIABLE) == "1" and not where and not has_public_url(given)
        if behind:
            given = with_public_url(given, tmp_path, ports)
        portal = Portal(tmp_path, libvirt_uri, environment, given, **where)
        started.append(portal)
        if behind:
            folder = tmp_path / f"nginx-{ports.tls}"
            folder.mkdir()
            proxies.enter_context(nginx(folder, ports, portal.own.removeprefix("http://")))
            portal.url = ports.url.removesuffix("/")
        return portal

    with proxies:
        yield start
    for portal in started:
        try:
            portal.close()
        finally:
            # Shown where the test failed.
            print(f"--- log of the portal at {portal.url}\n{portal.log.read_text()}")


@pytest.fixture
def portal(start_portal: Callable[..., Portal]) -> Portal:
    """A running portal."""
    return start_portal()


@pytest.fixture
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """Headless Chromium, the system's; every test has one of its own, which ends with it.

    The browser that a test's parameter ``browser`` names, where it is marked with ``in_both_browsers``.
    """
    name: BrowserName = getattr(request, "param", "chromium")
    if why := why_not(name):
        pytest.skip(why)
    async with async_playwright() as playwright:
        running = await launch(playwright, name)
        if os.environ.get(PROXY_VARIABLE) == "1":
            # The proxy's certificate is signed by nobody.
            running.new_context = partial(running.new_context, ignore_https_errors=True)  # type: ignore[method-assign]
        yield running
        await running.close()
