"""Consoles from another address than loopback: over HTTPS, or in the clear where the operator says so."""

import asyncio
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from libvirt_webrtc.config.load import STATE_VARIABLE
from tests.e2e.viewer import Viewer, wait_for
from tests.support.browsers import in_both_browsers
from tests.support.certificates import Authority
from tests.support.guests import GuestFactory
from tests.support.portal import Portal

pytestmark = [pytest.mark.libvirt, pytest.mark.browser]

HOST = "192.0.2.1"
"""The address of the tests' world."""

KEY_A = 0x1E

StartPortal = Callable[..., Portal]


def served(portal: Portal) -> str:
    """The fingerprint of the certificate that a new connection gets."""
    port = int(portal.url.rpartition(":")[2])
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((HOST, port)))
    return hashlib.sha256(der).hexdigest()


async def until_served(portal: Portal, before: str) -> str:
    async def another() -> str | None:
        return now if (now := served(portal)) != before else None

    return str(await wait_for(another, "a new connection gets another certificate"))


def audit_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@in_both_browsers
async def test_a_console_stays_while_the_certificate_changes_and_the_audit_log_tells_of_it(
    make_guest: GuestFactory, start_portal: StartPortal, browser: Browser, tmp_path: Path
) -> None:
    authority, settings, audit = Authority(tmp_path), tmp_path / "settings.toml", tmp_path / "audit.log"
    pair = authority.sign((HOST,))
    settings.write_text(f'{pair.table()}[audit]\nfile = "{audit}"\n')
    portal = start_portal(None, "--config", str(settings), host=HOST, scheme="https")
    guest = make_guest("baremetal")
    viewer = await Viewer.open(browser, portal, guest, ignore_https_errors=True)
    await viewer.wait_known_picture()
    (cookie,) = await viewer.page.context.cookies()
    assert cookie["name"].startswith("__Host-") and cookie["secure"] and cookie["httpOnly"]
    listed = await viewer.page.context.new_page()
    await listed.goto(portal.url)
    await expect(listed.locator("#live-text")).to_have_text("Live")
    key = await listed.evaluate("Object.values({...localStorage, ...sessionStorage}).join(' ')")
    connections = await viewer.handle("connections")

    first = served(portal)
    pair.replace_by(authority.sign((HOST,)))
    portal.process.send_signal(signal.SIGHUP)
    second = await until_served(portal, first)
    pair.replace_by(authority.sign((HOST,)))
    third = await until_served(portal, second)
    half = authority.sign((HOST,))
    os.replace(half.certificate, pair.certificate)

    async def told() -> bool:
        return "is not the key of" in portal.log.read_text()

    await wait_for(told, "the log tells of a pair that does not fit")
    assert served(portal) == third

    await viewer.page.bring_to_front()
    await viewer.type_and_see("KeyA", KEY_A)
    assert await viewer.handle("connections") == connections
    # A stream that had ended would be in the list.
    streams = "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/api/events')).length"
    assert await listed.evaluate(streams) == 0
    await expect(listed.locator("#live-text")).to_have_text("Live")

    await listed.locator("#sign-out").click()
    await listed.wait_for_url("**/login**")

    async def closed() -> bool:
        return "console-closed" in [line["event"] for line in audit_lines(audit)]

    await wait_for(closed, "the audit log tells that the console is closed")
    # The console's page has asked in vain since.
    lines = [line for line in audit_lines(audit) if line["event"] != "refusal"]
    assert [line["event"] for line in lines] == ["sign-in", "console-opened", "sign-out", "console-closed"]
    done = lines[-1]
    assert (done["address"], done["user"], done["role"]) == (HOST, "token", "admin")
    assert (done["domain"], done["name"], done["transport"]) == (guest.uuid, guest.name, "webrtc")
    assert done["bytes_sent"] > 10_000 and done["seconds"] > 0
    logged = audit.read_text() + portal.log.read_text()
    assert not [secret for secret in (portal.token, cookie["value"], *key.split()) if secret in logged]


async def test_a_made_certificate_is_the_one_that_is_printed_and_shown_by_doctor_and_good_for_websockets(
    make_guest: GuestFactory, start_portal: StartPortal, libvirt_uri: str, browser: Browser, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.toml"
    state = {STATE_VARIABLE: str(tmp_path / "state")}
    portal = start_portal(state, host=HOST, scheme="https")
    settings.write_text(f'uri = "{libvirt_uri}"\nlisten = "{portal.url.removeprefix("https://")}"\n')
    command = [sys.executable, "-m", "libvirt_webrtc", "doctor", "--config", str(settings), "--json"]
    doctor = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **state}, stdout=subprocess.PIPE
    )
    told = {finding["subject"]: finding["text"] for finding in json.loads((await doctor.communicate())[0])}
    fingerprint = ":".join(served(portal)[at : at + 2] for at in range(0, 64, 2)).upper()
    assert fingerprint in told["tls"] and f"serves at {portal.url}/" in told["port"]
    assert f"Certificate: SHA-256 {fingerprint}\n" in portal.log.read_text()
    guest = make_guest("baremetal")
    viewer = await Viewer.open_over("websocket", browser, portal, guest, ignore_https_errors=True)
    await viewer.wait_known_picture()
    assert await viewer.handle("transport") == "websocket"
    await viewer.page.goto(portal.url)
    await expect(viewer.page.locator("#live-text")).to_have_text("Live")
    await expect(viewer.page.locator("#insecure")).to_be_hidden()

    async def closed() -> dict[str, Any] | None:
        lines = [line for line in portal.log.read_text().splitlines() if '"console-closed"' in line]
        return json.loads(lines[0][lines[0].index("{") :]) if lines else None

    told_end = await wait_for(closed, "the log tells that the console is closed")
    assert (told_end["name"], told_end["transport"]) == (guest.name, "websocket")
    assert told_end["bytes_sent"] > 10_000


async def test_plain_http_elsewhere_is_said_in_the_log_and_on_the_pages(
    start_portal: StartPortal, browser: Browser
) -> None:
    portal = start_portal(None, "--insecure", host=HOST)
    assert f"INSECURE: plain HTTP at {HOST}:" in portal.log.read_text()
    page = await (await browser.new_context()).new_page()
    await page.goto(portal.url)
    await expect(page.locator("#insecure")).to_contain_text("Not encrypted")
    await page.locator("#token").fill(portal.token)
    await page.locator("#submit").click()
    await page.wait_for_url(portal.url + "/")
    await expect(page.locator("#insecure")).to_be_visible()
    await expect(page.locator("#live-text")).to_have_text("Live")
