"""Browsers take every STUN and TURN URL that the configuration takes: one that they refuse ends every connection."""

import json

import pytest
from playwright.async_api import Page

from libvirt_webrtc.config.ice_url import BLOCKED_PORTS
from libvirt_webrtc.config.load import load
from tests.config.ice_urls import ACCEPTED
from tests.support.browsers import in_both_browsers

pytestmark = [pytest.mark.browser, in_both_browsers]

REFUSED = """(configurations) => {
  const peer = new RTCPeerConnection();
  const refused = [];
  for (const iceServers of configurations) {
    try {
      peer.setConfiguration({iceServers});
    } catch (error) {
      refused.push(`${iceServers[0].urls}: ${error}`);
    }
  }
  peer.close();
  return refused;
}"""


def configured(url: str) -> object:
    """The ICE servers as browsers get them."""
    servers = json.dumps([{"urls": url, "username": "u", "credential": "c"}])
    return load(environ={"QEMU_WEBRTC_ICE_SERVERS": servers}).ice.as_json()["iceServers"]


async def test_every_form_that_is_accepted(page: Page) -> None:
    assert await page.evaluate(REFUSED, [configured(url) for url in ACCEPTED]) == []


async def test_every_port_that_is_accepted(page: Page) -> None:
    # Beyond them the Fetch standard names no bad port.
    ports = sorted({*range(1, 11_000), 65535} - BLOCKED_PORTS)
    servers = [[{"urls": f"turn:h:{port}", "username": "u", "credential": "c"}] for port in ports]
    assert await page.evaluate(REFUSED, servers) == []
