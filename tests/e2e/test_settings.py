"""Settings of the environment, as they reach a viewer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from examples.guests.reading import read_nonce
from tests.e2e.viewer import Viewer
from tests.support.guests import GuestFactory
from tests.support.portal import Portal
from tests.support.turn import turn_server

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

TURN_CREDENTIAL = "a-secret-of-this-test"

StartPortal = Callable[..., Portal]


@pytest.fixture
def turn_port(tmp_path: Path) -> Iterator[int]:
    """A coturn on 127.0.0.1, with the user and the credential that the settings name."""
    with turn_server(tmp_path, user=("webrtc", TURN_CREDENTIAL)) as port:
        yield port


async def test_relayed_viewer_sees_the_picture_through_turn(
    make_guest: GuestFactory, start_portal: StartPortal, browser: Browser, turn_port: int
) -> None:
    portal = start_portal(
        {
            "QEMU_WEBRTC_TURN_HOST": f"127.0.0.1:{turn_port}",
            "QEMU_WEBRTC_TURN_CREDENTIAL": TURN_CREDENTIAL,
            "QEMU_WEBRTC_ICE_TRANSPORT_POLICY": "relay",
        }
    )
    guest = make_guest()
    viewer = await Viewer.watch(browser, portal, guest)
    used = await viewer.page.evaluate(
        """async () => {
          const entries = [...(await window.libvirtWebRTC.peerConnection.getStats()).values()];
          const pair = entries.find((e) => e.type === "candidate-pair" && e.nominated && e.state === "succeeded");
          return entries.find((e) => e.id === pair.localCandidateId).candidateType;
        }"""
    )
    assert used == "relay"


async def test_placeholder_is_shown_in_place_of_connecting(
    make_guest: GuestFactory, start_portal: StartPortal, browser: Browser
) -> None:
    portal = start_portal({"QEMU_WEBRTC_TURN_HOST": "YOUR_TURN_HOST", "QEMU_WEBRTC_TURN_CREDENTIAL": "x"})
    guest = make_guest()
    portal.wait_console(guest.uuid)
    page = await Viewer.sign_in(browser, portal)
    await page.goto(f"{portal.url}/console/{guest.uuid}?transport=webrtc")
    await page.get_by_text("YOUR_TURN_HOST").first.wait_for()
    assert await page.evaluate("window.libvirtWebRTC.connections") == 0
    assert await page.evaluate("window.libvirtWebRTC.state") == "problem"


async def test_downsampled_picture_fills_the_guests_size(
    make_guest: GuestFactory, start_portal: StartPortal, browser: Browser
) -> None:
    portal = start_portal({"QEMU_WEBRTC_DOWNSAMPLE": "1"})
    guest = make_guest(options="mode=1280x800")
    viewer = await Viewer.open(browser, portal, guest)
    nonce = int(guest.nonce, 16)
    # The picture that is grabbed has the guest's size, with the video, as decoded, at its top left.
    await viewer.wait_picture(
        lambda rgb: read_nonce(rgb[:400, :640], (1280, 800)) == nonce, "the nonce, halved"
    )
    assert viewer.encoded == (640, 400)
    box = await viewer.page.locator("#video").bounding_box()
    assert box is not None and abs(box["width"] / box["height"] - 1.6) < 0.01
