"""A headless Chromium of the system, and the gateway on a real port with a classifier that does what a test wants."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.browser.fakes import PageClassifier
from tests.support.asgi_server import served
from tests.unit.gateway.fakes import application

CHROMIUM = Path("/usr/bin/chromium")
SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "browser"
#: A name for this machine that the page takes for another one's.
FAR_HOST = "waste.test"
_OWN = tuple(f"{scheme}{host}:" for scheme in ("http://", "blob:http://") for host in ("127.0.0.1", FAR_HOST))
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {FAR_HOST} 127.0.0.1",
)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")] + ["TRITON_URL", "PORT"]:
        monkeypatch.delenv(name, raising=False)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Chromium with these flags too. One at a time: Playwright has one event loop."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS, *flags], chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, ended with each module: Playwright's event loop would keep later asyncio tests from their own."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def classifier() -> PageClassifier:
    return PageClassifier()


@pytest.fixture
def url(classifier: PageClassifier) -> Iterator[str]:
    with served(application(classifier)) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test where anything asks another host, or the console has an error that is none of ours."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    outside: list[str] = []
    errors: list[str] = []

    def note_request(request: Request) -> None:
        if not request.url.startswith(_OWN):
            outside.append(request.url)

    def note_message(message: ConsoleMessage) -> None:
        # Chromium logs every answer over 399 as an error of its own.
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    page.on("request", note_request)
    page.on("console", note_message)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not outside
    assert not errors


def keep_screenshot(page: Page, name: str) -> None:
    """Keeps a picture of the whole page in build/browser, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
