"""Hosts in networks of several kinds, each in a namespace of its own: real guests in a real browser beyond it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.viewer import DEADLINE_S, Viewer, wait_for
from tests.support.far_host import FAR4, FAR6, FarHost, far_host, mapped
from tests.support.guests import Guest, GuestFactory
from tests.support.libvirtd import URI
from tests.support.portal import Portal
from tests.support.udp_ports import udp_ports

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

PORTS = (50000, 50001)
OUTSIDE = "203.0.113.7"


@contextmanager
def serving(host: FarHost, folder: Path, ice: str) -> Iterator[Portal]:
    """A portal on that host, with this ``[ice]`` table."""
    settings = folder / "config.toml"
    settings.write_text(f"[ice]\n{ice}\n")
    portal = Portal(folder, URI, None, ["--config", str(settings)], prefix=host.prefix)
    try:
        yield portal
    finally:
        portal.close()
        print(portal.log.read_text())


async def watch(browser: Browser, portal: Portal, guest: Guest) -> Viewer:
    """A page that goes over WebRTC, also where the machine is so busy that others would not wait for it."""
    viewer = await Viewer.open_over("webrtc", browser, portal, guest)
    await viewer.wait_known_picture()
    return viewer


async def path_of(viewer: Viewer) -> tuple[str, str]:
    """What the statistics say of the way that the packets take."""
    await viewer.page.locator("#stats-toggle").click()

    async def told() -> tuple[str, str] | None:
        figures = await viewer.handle("figures")
        return (figures["path"], figures["pathReason"]) if figures and figures["path"] else None

    found: tuple[str, str] = await wait_for(told, "the overlay tells the path")
    return found


async def notice_says(page: Page, text: str) -> None:
    await expect(page.locator("#notice-text")).to_contain_text(text, timeout=1000 * DEADLINE_S)


async def test_a_host_with_nothing_but_ipv6(
    make_guest: GuestFactory, browser: Browser, tmp_path: Path
) -> None:
    with far_host(ipv4=False, ipv6=True) as host, serving(host, tmp_path, "") as portal:
        viewer = await watch(browser, portal, make_guest())
        path, reason = await path_of(viewer)
        assert path == "WebRTC: direct, UDP over IPv6" and f"[{FAR6}]:" in reason
        await viewer.type_and_see("KeyA", 0x1E)


async def test_workers_keep_to_the_ports_and_the_next_viewer_is_told(
    make_guest: GuestFactory, browser: Browser, tmp_path: Path
) -> None:
    """Two guests' workers share two ports; a third viewer is refused, and comes in when another leaves."""
    with far_host() as host, serving(host, tmp_path, f'ports = "{PORTS[0]}-{PORTS[1]}"') as portal:
        guests = [make_guest(), make_guest()]
        viewers = [await watch(browser, portal, guest) for guest in guests]
        opened = [udp_ports(portal.wait_console(guest.uuid)["worker_pid"]) for guest in guests]
        assert all(set(each) <= set(PORTS) for each in opened)
        page = await Viewer.sign_in(browser, portal)
        await page.goto(f"{portal.url}/console/{guests[0].uuid}?transport=webrtc")
        await notice_says(page, f"All UDP ports of ice.ports ({PORTS[0]}-{PORTS[1]}) are taken at ")
        assert f"all UDP ports of ice.ports ({PORTS[0]}-{PORTS[1]}) are taken at " in portal.log.read_text()
        await viewers[0].page.close()
        third = Viewer(page, guests[0])
        await third.wait_state("connected")
        await third.wait_known_picture()
        pid = portal.wait_console(guests[0].uuid)["worker_pid"]
        assert set(udp_ports(pid)) <= set(PORTS)


async def test_behind_a_router_that_maps_an_address_here_that_one_is_offered(
    make_guest: GuestFactory, browser: Browser, tmp_path: Path
) -> None:
    ice = f'addresses = ["{OUTSIDE}"]'
    with far_host() as host, mapped(OUTSIDE, FAR4), serving(host, tmp_path, ice) as portal:
        viewer = await watch(browser, portal, make_guest())
        path, reason = await path_of(viewer)
        assert path == "WebRTC: direct, UDP over IPv4" and f"{OUTSIDE}:" in reason
        answer = await viewer.page.evaluate("window.libvirtWebRTC.peerConnection.remoteDescription.sdp")
        assert FAR4 not in answer


async def test_where_a_firewall_stops_udp_the_page_says_what_was_tried(
    make_guest: GuestFactory, browser: Browser, tmp_path: Path
) -> None:
    guest = make_guest()
    with far_host() as host, serving(host, tmp_path, 'ports = "50000"') as portal:
        host.run("iptables", "-A", "INPUT", "-p", "udp", "!", "-i", "lo", "-j", "DROP")
        portal.wait_console(guest.uuid)
        page = await Viewer.sign_in(browser, portal)
        await page.goto(f"{portal.url}/console/{guest.uuid}?transport=webrtc")
        await notice_says(page, "This browser tried from its own addresses to the server’s ")
        for part in (f"{FAR4}:50000", "no answer", "No TURN server is configured."):
            await notice_says(page, part)
