"""Many photos: their order and place, formats that the browser cannot show, and answers that leave the page."""

import csv
import io
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.actions import card, choose, expect_word, hand_over, photo, text_file
from tests.browser.conftest import FAR_HOST, keep_screenshot
from tests.browser.fakes import PLASTIC, PageClassifier
from tests.support.pictures import bottle, encode

pytestmark = pytest.mark.browser

_TOPS = "[...document.querySelectorAll('.card')].map((card) => card.offsetTop + card.offsetHeight)"

#: Answers of a service that takes no time: 210 real ones take minutes on a busy machine.
_ANSWER_AT_ONCE = """
const ask = window.fetch;
window.fetch = async (path, options) =>
    path.endsWith("/predict") ? Response.json({ pred_class: "metal", classes: { metal: 1 } }) : ask(path, options);
"""


def test_formats_that_the_browser_cannot_show_are_drawn_by_the_service(page: Page, url: str) -> None:
    page.goto(url)
    choose(page, {"name": "can.heic", "mimeType": "image/heic", "buffer": encode(bottle(320, 240), "HEIF")})
    expect_word(page, "can.heic", "metal")
    found = card(page, "can.heic")
    picture = found.locator(".picture")
    expect(picture).to_have_attribute("alt", "Your photo can.heic, drawn by the service with its map")
    expect(picture).to_be_visible()
    found.get_by_role("button", name="Show why").last.click()
    expect(picture).to_have_attribute("alt", "Heat map of the large model for metal")
    expect(picture).to_have_js_property("naturalWidth", 320)
    expect(found.get_by_text("Bright is where")).to_be_visible()
    keep_screenshot(page, "heic")


def test_dropped_photos_keep_their_order_and_cards_do_not_jump(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_text("nothing is kept")).to_be_visible()
    page.route("**/predict", lambda route: None)  # no answer yet
    names = [f"{number}.jpg" for number in range(4)]
    hand_over(page, "drop", *map(photo, names), text_file())
    expect(page.get_by_role("heading", level=2).first).to_have_text("Looking …")
    assert page.locator("figcaption").all_inner_texts() == [*names, "notes.jpg"]
    expect(page.get_by_role("progressbar")).to_be_visible()
    before = page.evaluate(_TOPS)
    page.unroute("**/predict")
    page.reload()
    hand_over(page, "drop", *map(photo, names), text_file())
    expect_word(page, "notes.jpg", "no answer")
    for name in names:
        expect_word(page, name, "metal")
    after = page.evaluate(_TOPS)
    heights = [[high - low for low, high in pairwise(tops)] for tops in (before, after)]
    assert heights[0] == heights[1]


def test_no_card_and_no_count_is_lost_over_a_hundred_photos(page: Page, url: str) -> None:
    page.add_init_script(_ANSWER_AT_ONCE)
    page.goto(url)
    choose(page, *(photo(f"{number}.jpg", 32, 24) for number in range(105)))
    expect(page.get_by_text("On this page: 105 metal.")).to_be_visible(timeout=120_000)
    expect(page.locator(".card")).to_have_count(105)


def test_answers_leave_the_page(page: Page, url: str, classifier: PageClassifier, tmp_path: Path) -> None:
    page.goto(url)
    choose(page, photo("=can, old.jpg"), text_file())
    expect_word(page, "=can, old.jpg", "metal")
    expect_word(page, "notes.jpg", "no answer")
    classifier.answers["pretrained"] = PLASTIC
    choose(page, photo("bottle.jpg"))
    expect_word(page, "bottle.jpg", "not sure")
    texts = {}
    for kind in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Download {kind}").click()
        download.value.save_as(tmp_path / kind)
        texts[kind] = (tmp_path / kind).read_text()
    rows = list(csv.DictReader(io.StringIO(texts["CSV"])))
    found = [(row["file"], row["model"], row["pred_class"], row["not_sure"]) for row in rows]
    assert found == [
        ("bottle.jpg", "raw", "plastic", "true"),
        ("bottle.jpg", "pretrained", "plastic", "true"),
        ("'=can, old.jpg", "raw", "plastic", "true"),
        ("'=can, old.jpg", "pretrained", "metal", "false"),
        ("notes.jpg", "raw", "", ""),
        ("notes.jpg", "pretrained", "", ""),
    ]
    assert rows[3]["metal"] == "0.957000"
    assert rows[4]["error"].startswith("This is no picture")
    records = json.loads(texts["JSON"])
    assert records[3]["file"] == "=can, old.jpg"
    assert records[3]["classes"]["metal"] == pytest.approx(0.957)
    assert records[4]["error"]["status"] == 415
    page.get_by_label("Only those that are not sure").check()
    expect(page.locator(".card:visible")).to_have_count(1)
    expect(card(page, "bottle.jpg")).to_be_visible()
    keep_screenshot(page, "unsure")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".card")).to_have_count(0)
    expect(page.get_by_role("button", name="Download CSV")).to_be_hidden()


@pytest.mark.parametrize("host", ["127.0.0.1", FAR_HOST])
def test_copy_works_with_and_without_a_secure_context(page: Page, url: str, host: str) -> None:
    if host == "127.0.0.1":
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(url.replace("127.0.0.1", host))
    choose(page, photo("can.jpg"))
    expect_word(page, "can.jpg", "metal")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text("Copied. It can be pasted into a spreadsheet.")
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'sheet' }))")
    page.locator("#sheet").focus()
    page.keyboard.press("Control+V")
    assert page.locator("#sheet").input_value().splitlines()[2].startswith("can.jpg\tpretrained\tmetal\tfalse\t")


def leaves(page: Page) -> bool:
    """Whether a reload goes ahead, or the page warns first; stays on the page where it does."""
    warnings: list[str] = []

    def stay(dialog: Dialog) -> None:
        warnings.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.evaluate("window.stayed = true")
    page.evaluate("setTimeout(() => location.reload())")
    page.wait_for_timeout(1000)
    page.remove_listener("dialog", stay)
    assert warnings in ([], ["beforeunload"])
    assert page.evaluate("window.stayed === true") == bool(warnings)
    return not warnings


def test_warning_before_answers_are_lost(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Tin can").click()
    expect_word(page, "Tin can", "metal")
    assert leaves(page), "what an example got need not be saved"
    page.get_by_text("Examples").click()  # browsers warn only people who did something on the page
    choose(page, photo("can.jpg"))
    expect_word(page, "can.jpg", "metal")
    assert not leaves(page)
    with page.expect_download():
        page.get_by_role("button", name="Download JSON").click()
    assert leaves(page)
    page.get_by_text("Examples").click()
    choose(page, photo("can.jpg"))
    expect_word(page, "can.jpg", "metal")
    answers: tuple[tuple[Callable[[Dialog], None], int], ...] = ((Dialog.dismiss, 1), (Dialog.accept, 0))
    for answer, left in answers:
        page.once("dialog", answer)
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".card")).to_have_count(left)
    assert leaves(page)


def test_one_answer_can_leave_the_page_too(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_role("button", name="Download CSV")).to_be_hidden()
    choose(page, photo())
    expect_word(page, "photo.jpg", "metal")
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
