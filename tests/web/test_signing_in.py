"""The page on which somebody signs in whom a provider or a proxy has let in, with the API's answers given here."""

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.web.pages import ORIGIN, run

pytestmark = pytest.mark.browser

CALLBACK = f"{ORIGIN}/login/oidc/callback"
PROXY = {"method": "proxy", "text": "Sign in as your proxy knows you", "href": "login/proxy/begin"}
TOKEN = {"method": "token", "text": "It is printed."}


class Answers:
    """What the portal answers to a sign-in, and what it was sent."""

    def __init__(self) -> None:
        self.reply: dict[str, Any] = {"json": {"key": "the-key", "next": ""}}
        self.sent: list[tuple[str, object]] = []

    async def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        self.sent.append((path, route.request.post_data_json))
        await route.fulfill(**self.reply)


@pytest.fixture
async def answers(page: Page) -> Answers:
    answers = Answers()
    await page.route("**/api/session/*", answers.answer)
    await page.route("**/api/events", lambda route: route.fulfill(status=204))
    return answers


async def give_methods(page: Page, *methods: dict[str, str]) -> None:
    await page.route("**/api/sign-in", lambda route: route.fulfill(json={"methods": list(methods)}))


async def test_what_the_provider_sent_goes_to_the_portal_and_out_of_the_address(
    page: Page, answers: Answers
) -> None:
    answers.reply["json"]["next"] = "blank"
    places: list[str] = []
    page.on("framenavigated", lambda frame: places.append(frame.url))
    await page.goto(f"{CALLBACK}?code=c&state=s&iss=i&session_state=x&scope=y")
    await page.wait_for_url(f"{ORIGIN}/blank")
    assert answers.sent == [("/api/session/oidc", {"code": "c", "state": "s", "iss": "i"})]
    assert places[-2:] == [CALLBACK, f"{ORIGIN}/blank"]
    assert await page.evaluate("Object.values(localStorage)") == ["the-key"]


async def test_the_way_on_never_leads_to_another_site(page: Page, answers: Answers) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        answers.reply["json"]["next"] = elsewhere
        await page.goto(f"{CALLBACK}?code=c&state=s")
        await page.wait_for_url(f"{ORIGIN}/")


async def test_a_refusal_is_told_and_leads_back(page: Page, answers: Answers) -> None:
    answers.reply = {"status": 403, "json": {"error": "sign_in_refused", "message": "the state is wrong"}}
    await page.goto(f"{CALLBACK}?code=c&state=s")
    await expect(page.locator("#error")).to_have_text("The state is wrong.")
    await expect(page.get_by_role("heading")).to_have_text("Not signed in")
    await page.get_by_role("link", name="Back to sign-in").click()
    await page.wait_for_url(f"{ORIGIN}/login")


async def test_a_proxys_user_is_not_asked_and_signed_out_stays_out(page: Page, answers: Answers) -> None:
    await give_methods(page, PROXY, TOKEN)
    await page.goto(f"{ORIGIN}/login?next=blank")
    await page.wait_for_url(f"{ORIGIN}/blank")
    assert [path for path, _ in answers.sent] == ["/api/session/proxy"]

    await page.route("**/api/session", lambda route: route.fulfill(status=204))
    await page.goto(f"{ORIGIN}/")
    await page.click("#sign-out")
    await page.wait_for_url(f"{ORIGIN}/login")
    link = page.get_by_role("link", name=PROXY["text"])
    await link.click()
    await page.wait_for_url(f"{ORIGIN}/")
    assert len(answers.sent) == 2
    assert await run(page, "app/ask-first.js", "return m.asksFirst()") is False


async def test_a_proxys_refusal_leaves_the_other_ways(page: Page, answers: Answers) -> None:
    await give_methods(page, PROXY, TOKEN)
    answers.reply = {"status": 403, "json": {"error": "sign_in_refused", "message": "it names nobody"}}
    await page.goto(f"{ORIGIN}/login")
    await page.get_by_role("link", name="Back to sign-in").click()
    await expect(page.locator("#token")).to_be_visible()
    assert len(answers.sent) == 1


async def test_a_link_with_a_token_comes_first(page: Page, answers: Answers) -> None:
    await give_methods(page, PROXY, TOKEN)
    await page.route("**/api/session", lambda route: route.fulfill(json={"key": "of-the-token"}))
    await page.goto(f"{ORIGIN}/login?next=blank#token=t")
    await page.wait_for_url(f"{ORIGIN}/blank")
    assert answers.sent == []


async def test_sign_out_goes_on_to_the_provider(page: Page, answers: Answers) -> None:
    location = f"{ORIGIN}/blank?the-provider"
    await page.route("**/api/session", lambda route: route.fulfill(json={"location": location}))
    await page.goto(f"{ORIGIN}/")
    await page.click("#sign-out")
    await page.wait_for_url(location)
