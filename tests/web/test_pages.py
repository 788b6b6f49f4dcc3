"""The login and list pages, with the API's answers given here."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.web.pages import ORIGIN, run

pytestmark = pytest.mark.browser


async def test_login_says_what_is_wrong(page: Page) -> None:
    answer: dict[str, Any] = {"status": 401, "json": {"error": "wrong_token", "message": "no"}}
    await page.route("**/api/session", lambda route: route.fulfill(**answer))
    await page.goto(f"{ORIGIN}/login")
    await page.fill("#token", "wrong")
    await page.click("#submit")
    await expect(page.locator("#error")).to_have_text("That token is not right.")
    answer.update(status=429, json={"error": "too_many_failures", "message": "too many wrong ones"})
    await page.click("#submit")
    await expect(page.locator("#error")).to_have_text("Too many wrong ones.")
    # Whoever finds the right one need not wait.
    await expect(page.locator("#submit")).to_be_enabled()


async def test_login_gives_up_a_server_that_does_not_answer(page: Page) -> None:
    await page.clock.install()
    asked, over = asyncio.Event(), asyncio.Event()

    async def silent(route: Route) -> None:
        asked.set()
        await over.wait()
        await route.abort()

    await page.route("**/api/session", silent)
    await page.goto(f"{ORIGIN}/login")
    await page.fill("#token", "right")
    await page.click("#submit")
    await asked.wait()
    await page.clock.fast_forward(11_000)
    await expect(page.locator("#error")).to_have_text("The server cannot be reached. Is it running?")
    await expect(page.locator("#submit")).to_be_enabled()
    over.set()


async def test_a_link_signs_in_and_hides_its_token(page: Page) -> None:
    sent: list[object] = []

    async def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        await route.fulfill(json={"key": "the-key"})

    await page.route("**/api/session", answer)
    await page.goto(f"{ORIGIN}/login?next=%2Fblank#token=s%2Becret")
    await page.wait_for_url(f"{ORIGIN}/blank")
    assert sent == [{"token": "s+ecret"}]


async def give_methods(page: Page, *methods: dict[str, str]) -> None:
    await page.route("**/api/sign-in", lambda route: route.fulfill(json={"methods": list(methods)}))


async def test_login_offers_the_methods_that_there_are(page: Page) -> None:
    await give_methods(
        page,
        {"method": "pam", "text": "As on this host."},
        {"method": "token", "text": "It is printed."},
        {"method": "oidc", "text": "Sign in with Example", "href": "api/oidc/start"},
    )
    await page.goto(f"{ORIGIN}/login?next=%2Fconsole%2F1")
    await expect(page.locator("#user")).to_be_focused()
    await expect(page.locator("#token")).to_be_hidden()
    await expect(page.locator("#pam .help")).to_have_text("As on this host.")
    link = page.get_by_role("link", name="Sign in with Example")
    assert await link.get_attribute("href") == f"{ORIGIN}/api/oidc/start?next=%2Fconsole%2F1"
    await page.click("#switch")
    await expect(page.locator("#token")).to_be_focused()
    await expect(page.locator("#user")).to_be_hidden()
    await page.click("#switch")
    await expect(page.locator("#user")).to_be_focused()


async def test_a_user_signs_in_by_password_and_code(page: Page) -> None:
    """By the keyboard alone. The code is asked for when the server says so, and the user is not asked again."""
    sent: list[object] = []
    refusals = [(401, "wrong_password"), (401, "code_needed"), (401, "wrong_code")]

    async def answer(route: Route) -> None:
        sent.append(route.request.post_data_json)
        if refusals:
            status, kind = refusals.pop(0)
            await route.fulfill(status=status, json={"error": kind, "message": f"the server says {kind}"})
        else:
            await route.fulfill(json={"key": "the-key"})

    await give_methods(page, {"method": "pam", "text": "As on this host."})
    await page.route("**/api/session", answer)
    await page.goto(f"{ORIGIN}/login?next=%2Fblank")
    await expect(page.locator("#user")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#error")).to_have_text("Enter your user name.")
    await page.keyboard.type("alice")
    await page.keyboard.press("Tab")
    await page.keyboard.type("wrong")
    await page.keyboard.press("Enter")
    await expect(page.locator("#error")).to_have_text("That user name and password are not right.")
    await expect(page.locator("#password")).to_be_focused()
    await page.keyboard.type("right")
    await page.keyboard.press("Enter")
    await expect(page.locator("#code")).to_be_focused()
    await expect(page.locator("#password")).to_be_hidden()
    await expect(page.locator("#error")).to_have_text("")
    await expect(page.locator("#pam .help")).to_have_text("Signing in as alice.")
    await page.keyboard.type("000 000")
    await page.keyboard.press("Enter")
    await expect(page.locator("#error")).to_have_text("The server says wrong_code.")
    await page.keyboard.type("123 456")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{ORIGIN}/blank")
    right = {"user": "alice", "password": "right"}
    assert sent == [
        {"user": "alice", "password": "wrong"},
        right,
        {**right, "code": "000000"},
        {**right, "code": "123456"},
    ]


def domain(number: int, name: str, state: str, console: str, reason: str | None = None) -> dict[str, object]:
    shown = {"index": 0, "label": "VGA", "width": 800, "height": 600, "scanout": "map", "viewers": 2}
    return {
        "uuid": f"uuid-{number}",
        "name": name,
        "state": state,
        "console": {"state": console, "reason": reason},
        "consoles": [shown] if console == "ready" else [],
        "worker_pid": 1,
        "role": "admin",
        "actions": ["attach"] if state == "running" and console == "none" else [],
    }


async def give_list(
    page: Page,
    *domains: dict[str, object],
    problem: str | None = None,
    name: str = "token",
    method: str = "token",
) -> None:
    libvirt = {"connected": problem is None, "problem": problem, "uri": "qemu:///system"}
    listing = {"libvirt": libvirt, "domains": domains, "user": {"name": name, "method": method}}
    event = f"data: {json.dumps(listing)}\n\n"
    await page.route(
        "**/api/events", lambda route: route.fulfill(content_type="text/event-stream", body=event)
    )
    await page.route("**/api/domains", lambda route: route.fulfill(json=listing))
    await page.goto(f"{ORIGIN}/")


async def test_the_list_shows_running_domains_first_and_why_not(page: Page) -> None:
    await give_list(
        page,
        domain(1, "a-stopped", "shutoff", "none", "not running"),
        domain(2, "<b>bold</b>", "running", "ready"),
        domain(3, "plain", "running", "none", "no D-Bus display"),
    )
    await expect(page.locator(".domain h2")).to_have_text(["<b>bold</b>", "plain", "a-stopped"])
    await expect(page.locator(".domain .why")).to_have_text(["", "No D-Bus display.", ""])
    await expect(page.locator(".domain .viewers")).to_have_text(["2 viewers", "", ""])
    await expect(page.locator("a[href]")).to_have_attribute("href", "/console/uuid-2")
    await expect(page.locator("#filter")).to_be_hidden()


async def test_a_domain_with_two_screens_is_one_page(page: Page) -> None:
    both = domain(1, "wide", "running", "ready")
    first = {"index": 0, "label": "video0.0", "width": 800, "height": 600, "scanout": "map", "viewers": 0}
    both["consoles"] = [first, first | {"index": 1}]
    await give_list(page, both)
    await expect(page.locator(".domain .detail")).to_have_text("800 × 600 · 2 screens")
    await expect(page.locator("a[href]")).to_have_attribute("href", "/console/uuid-1")
    # So that the console's page asks for both at once.
    assert await run(page, "app/console-counts.js", "return ['uuid-1', 'uuid-2'].map(m.consoleCount)") == [
        2,
        1,
    ]
    await give_list(page, domain(1, "wide", "running", "none"))
    await expect(page.locator(".domain .why")).to_have_text("This domain has no console.")
    assert await run(page, "app/console-counts.js", "return m.consoleCount('uuid-1')") == 2
    await give_list(page, domain(1, "wide", "running", "ready"))
    await expect(page.locator(".domain .detail")).to_have_text("800 × 600")
    assert await run(page, "app/console-counts.js", "return m.consoleCount('uuid-1')") == 1


async def test_many_domains_can_be_filtered(page: Page) -> None:
    await give_list(page, *(domain(number, f"guest-{number}", "running", "ready") for number in range(1, 13)))
    await expect(page.locator(".domain h2").nth(1)).to_have_text("guest-2")
    await page.fill("#filter", "GUEST-12")
    await expect(page.locator(".domain h2")).to_have_text(["guest-12"])


async def test_an_empty_list_helps_and_libvirts_trouble_is_told(page: Page) -> None:
    await give_list(page)
    await expect(page.locator("#empty")).to_contain_text("No domains yet")
    await expect(page.locator("#empty")).to_contain_text("libvirt at qemu:///system has none")
    await give_list(page, problem="No such file or directory")
    await expect(page.locator("#problem")).to_contain_text("No such file or directory")
    await expect(page.locator("#empty")).to_be_hidden()


async def test_a_console_now_takes_a_yes(page: Page) -> None:
    asked: list[str] = []
    answer: dict[str, Any] = {
        "status": 409,
        "json": {"error": "cannot_attach", "message": "it uses a device of the host"},
    }

    async def act(route: Route) -> None:
        asked.append(f"{route.request.method} {route.request.url}")
        await route.fulfill(**answer)

    await page.route("**/actions/*", act)
    await give_list(
        page, domain(1, "ready", "running", "ready"), domain(2, "plain", "running", "none", "why")
    )
    offer, dialog = page.locator(".attach:visible"), page.locator("#attach")
    await expect(offer).to_have_count(1)
    await offer.click()
    await expect(dialog).to_contain_text("Give plain its console now?")
    await page.click("#attach-cancel")
    await expect(dialog).to_be_hidden()
    assert asked == []

    await offer.click()
    await page.click("#attach-go")
    await expect(page.locator("#attach-error")).to_have_text("It uses a device of the host.")
    answer.clear()
    answer["status"] = 202
    await page.click("#attach-go")
    await expect(dialog).to_be_hidden()
    assert asked == [f"POST {ORIGIN}/api/domains/uuid-2/actions/attach"] * 2


async def test_a_guest_that_is_being_given_its_console_stays_among_the_running(page: Page) -> None:
    await give_list(
        page,
        domain(1, "b-running", "running", "ready"),
        domain(2, "a-attaching", "shutoff", "attaching", "the guest's memory is being saved, 42 %"),
    )
    await expect(page.locator(".domain h2")).to_have_text(["a-attaching", "b-running"])
    await expect(page.locator(".domain .state").first).to_have_text("Being given its console")
    await expect(page.locator(".domain .why").first).to_have_text("The guest's memory is being saved, 42 %.")


async def test_signing_out_leads_to_the_login_page_and_forgets_the_key(page: Page) -> None:
    await give_list(page, domain(1, "plain", "running", "ready"))
    await expect(page.locator(".domain h2")).to_have_text("plain")
    await run(page, "core/session-key.js", "m.keepSessionKey('the-key')")
    places: list[str] = []
    page.on("framenavigated", lambda frame: places.append(frame.url))
    keys: list[str | None] = []

    async def end(route: Route) -> None:
        keys.append(await route.request.header_value("Session-Key"))
        # The session's end ends its streams before this answer is there: who asks for another is told 401.
        await page.route("**/api/events", lambda asked: asked.fulfill(status=401))
        await asyncio.sleep(1.5)
        await route.fulfill(status=204)

    await page.route("**/api/session", end)
    await page.click("#sign-out")
    await page.wait_for_url(f"{ORIGIN}/login")
    assert places == [f"{ORIGIN}/login"] and keys == ["the-key"]
    assert await page.evaluate("localStorage.length") == 0


async def test_a_page_that_is_signed_out_waits_for_a_portal_that_is_being_started_again(page: Page) -> None:
    away, answers = asyncio.Event(), ["none", "a proxy's"]

    async def login(route: Route) -> None:
        if not answers:
            await route.fallback()
        elif answers.pop(0) == "none":
            await route.abort("connectionrefused")
        else:
            await route.fulfill(status=502)
            away.set()

    await page.route("**/login*", login)
    await page.route("**/api/events", lambda asked: asked.fulfill(status=401))
    await page.goto(f"{ORIGIN}/")
    await away.wait()
    await page.wait_for_url(f"{ORIGIN}/login?next=")
    assert not answers


async def test_a_page_that_is_signed_out_leaves_where_a_proxy_leads_to_another_site(page: Page) -> None:
    async def login(route: Route) -> None:
        if route.request.method == "HEAD":
            await route.fulfill(status=302, headers={"Location": "https://sign-in.example/"})
        else:
            await route.fallback()

    await page.route("**/login*", login)
    await page.route("**/api/events", lambda asked: asked.fulfill(status=401))
    await page.goto(f"{ORIGIN}/")
    await page.wait_for_url(f"{ORIGIN}/login?next=")


async def test_a_page_that_is_told_twice_that_it_is_signed_out_leaves_once(page: Page) -> None:
    leaves: list[str] = []

    async def login(route: Route) -> None:
        if route.request.is_navigation_request():
            leaves.append(route.request.url)
            await asyncio.sleep(0.5)
        await route.fallback()

    await page.route("**/login*", login)
    await page.goto(f"{ORIGIN}/blank")
    await run(page, "app/elements.js", "m.signIn(); setTimeout(m.signIn, 200);")
    await page.wait_for_url(f"{ORIGIN}/login?next=blank")
    assert leaves == [f"{ORIGIN}/login?next=blank"]


async def test_the_list_tells_who_is_signed_in_and_may_only_view(page: Page) -> None:
    await give_list(page, domain(1, "demo", "running", "ready") | {"role": "view"}, name="ann", method="pam")
    await expect(page.locator("#who")).to_have_text("ann")
    await expect(page.locator(".detail")).to_contain_text("view only")


async def test_a_user_without_any_role_is_told_so(page: Page) -> None:
    await give_list(page, name="ann", method="pam")
    await expect(page.locator("#empty-title")).to_have_text("Nothing is shared with you")
    await expect(page.locator("#empty-text")).to_contain_text("signed in as ann")
    await expect(page.locator("#empty-command")).to_be_hidden()
