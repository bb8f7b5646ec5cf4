"""The page in English, German and Ukrainian, and classes that have names, advice and colours of their own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.actions import photo, text_file
from tests.browser.conftest import keep_screenshot
from tests.browser.fakes import PLASTIC, PageClassifier
from tests.browser.test_looks import runs_out
from tests.support.asgi_server import served
from tests.unit.gateway.fakes import application

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "de", "uk")
_KINDS = """async (languages) => {
    const kinds = (value) =>
        typeof value === "object" ? Object.entries(value).map(([key, each]) => [key, kinds(each)]) : typeof value;
    const load = async (language) => (await import(`./web/words.${language}.js`)).default;
    return Promise.all(languages.map(async (language) => kinds(await load(language))));
}"""
_WORDLESS = """[...document.querySelectorAll("[data-text], [data-label]")]
    .filter((element) => !(element.dataset.text ? element.textContent : element.getAttribute("aria-label")))
    .map((element) => element.outerHTML)"""

Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens an address as somebody with a browser in this language and window does."""
    contexts: list[BrowserContext] = []

    def visit(url: str, language: str, width: int = 1200, height: int = 900, **more: Any) -> Page:
        context = browser.new_context(locale=language, viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(url)
        expect(page.locator("#classes li").first).to_be_visible()
        return page

    yield visit
    for context in contexts:
        context.close()


def test_every_sentence_exists_in_every_language(visit: Visit, url: str) -> None:
    page = visit(url, "en")
    english, *others = page.evaluate(_KINDS, LANGUAGES)
    assert len(english) > 80
    for other in others:
        assert other == english
    assert page.evaluate(_WORDLESS) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_language_of_the_visitor_is_fetched(browser: Browser, url: str, language: str) -> None:
    with closing(browser.new_context(locale=language)) as context:
        page = context.new_page()
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url.rpartition("/")[2]))
        page.goto(url)
        expect(page.locator("#classes li").first).to_be_visible()
    assert [name for name in fetched if name.startswith("words.")] == ["words.js", f"words.{language}.js"]


@pytest.mark.parametrize(
    ("language", "name", "share", "advice", "button"),
    [
        ("de-AT", "Metall", "96 %", "Gelbe Tonne oder Metallsammlung.", "CSV herunterladen"),
        ("uk-UA", "метал", "96%", "Контейнер для металу або пакування.", "Завантажити CSV"),
        ("fr-FR", "metal", "96%", "Metal or packaging bin.", "Download CSV"),
    ],
)
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_page_speaks_the_language_of_the_browser(
    visit: Visit, url: str, language: str, name: str, share: str, advice: str, button: str, width: int, height: int
) -> None:
    page = visit(url, language, width, height, has_touch=width == 360, is_mobile=width == 360)
    shown = page.evaluate("document.documentElement.lang")
    assert shown == (language[:2] if language[:2] in LANGUAGES else "en")
    keep_screenshot(page, f"start-{width}-{shown}")
    assert runs_out(page) == 0
    page.locator("#choose").set_input_files([photo()])
    expect(page.get_by_role("heading", level=2).first).to_have_text(name)
    expect(page.locator(".share")).to_have_text(share)
    expect(page.locator(".advice")).to_contain_text(advice)
    expect(page.locator(".model").last.locator(".bars li").nth(4)).to_contain_text(name)
    expect(page.get_by_role("button", name=button)).to_be_visible()
    assert runs_out(page) == 0
    keep_screenshot(page, f"answer-{width}-{shown}")


def test_answers_that_leave_the_page_keep_the_labels(visit: Visit, url: str) -> None:
    page = visit(url, "uk")
    page.locator("#choose").set_input_files([photo()])
    expect(page.get_by_role("heading", level=2).first).to_have_text("метал")
    with page.expect_download() as download:
        page.locator("#csv").click()
    text = download.value.path().read_text()
    assert text.startswith("file,model,pred_class,not_sure,glass,paper,cardboard,plastic,metal,trash,error\n")
    assert "photo.jpg,pretrained,metal,false" in text


def test_language_can_be_chosen_and_is_kept_in_the_address(visit: Visit, url: str) -> None:
    page = visit(f"{url}?camera-of=entrance", "de")
    page.get_by_role("link", name="українська").click()
    expect(page.locator("#choose").locator("xpath=..")).to_have_text("Вибрати фото")
    assert "camera-of=entrance&lang=uk" in page.url
    page.reload()
    expect(page.locator("#knows summary")).to_have_text("Що вміє сервіс")


def test_problems_are_told_in_the_language(visit: Visit, url: str) -> None:
    page = visit(url, "de")
    page.locator("#choose").set_input_files([text_file()])
    expect(page.locator(".card h2")).to_have_text("keine Antwort")
    expect(page.locator(".advice")).to_contain_text("Das ist kein Bild")


def test_operators_line_stands_under_what_is_not_sure(visit: Visit, classifier: PageClassifier) -> None:
    with served(application(classifier, if_in_doubt="Ask Olena at the gate.")) as url:
        page = visit(url, "en")
        page.locator("#choose").set_input_files([photo("can.jpg")])
        expect(page.locator(".card h2")).to_have_text("metal")
        expect(page.locator(".card .doubt")).to_be_hidden()
        classifier.answers["pretrained"] = PLASTIC
        page.locator("#choose").set_input_files([photo("bottle.jpg")])
        expect(page.locator(".card h2").first).to_have_text("not sure")
        expect(page.locator(".card .doubt").first).to_have_text("If in doubt: Ask Olena at the gate.")
        expect(page.locator("#in-doubt")).to_have_text("If in doubt: Ask Olena at the gate.")


def test_classes_of_ones_own_with_and_without_a_description(visit: Visit, url: str, classifier: PageClassifier) -> None:
    classifier.labels = ("cup", "plate", "fork")
    classifier.class_descriptions = {
        "cup": {"names": {"de": "Tasse", "en": "mug"}, "advice": {"en": "Back to the counter."}, "color": "#123456"}
    }
    classifier.answers = dict.fromkeys(classifier.answers, np.array([0.8, 0.15, 0.05], np.float32))
    page = visit(url, "de")
    expect(page.locator("#classes li")).to_have_text(["Tasse", "plate", "fork"])
    page.locator("#choose").set_input_files([photo()])
    expect(page.locator(".card h2")).to_have_text("Tasse")
    expect(page.locator(".advice")).to_have_text("Back to the counter.")
    colours = page.locator("#classes li").evaluate_all("each => each.map((e) => getComputedStyle(e).borderLeftColor)")
    assert colours[0] == "rgb(18, 52, 86)"
    assert len(set(colours)) == 3, colours
    expect(visit(url, "uk").locator("#classes li").first).to_have_text("mug")


def test_colours_follow_the_ground(visit: Visit, url: str) -> None:
    shown = {}
    for scheme in ("light", "dark"):
        page = visit(url, "en", color_scheme=scheme)
        shown[scheme] = page.locator("#classes li").first.evaluate("e => getComputedStyle(e).borderLeftColor")
    assert shown == {"light": "rgb(29, 127, 78)", "dark": "rgb(79, 199, 141)"}
