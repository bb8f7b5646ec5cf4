"""The page in a real browser: what people do with it, and what it shows them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from gateway import errors
from tests.browser.actions import card, choose, drop_from_outside, expect_word, hand_over, photo, text_file
from tests.browser.conftest import FAR_HOST, keep_screenshot
from tests.browser.fakes import PLASTIC, PageClassifier
from tests.support.asgi_server import served
from tests.support.pictures import encode
from tests.unit.gateway.fakes import application

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_drop_and_paste(page: Page, url: str, classifier: PageClassifier, event: str) -> None:
    page.goto(url)
    file = photo("can.jpg")
    hand_over(page, event, file)
    expect_word(page, "can.jpg", "metal")
    assert [(model, image) for model, image, _ in classifier.asked] == [
        (model, file["buffer"]) for model in ("raw", "pretrained")
    ]


def test_answer_of_both_models_with_bars_times_and_advice(page: Page, url: str) -> None:
    page.goto(url)
    choose(page, photo())
    expect_word(page, "photo.jpg", "metal")
    found = card(page, "photo.jpg")
    expect(found.get_by_text("Metal or packaging bin.")).to_be_visible()
    panels = found.locator(".model")
    expect(panels).to_have_count(2)
    for panel, bars, verdict, right in (
        (panels.nth(0), ["19%", "4.0%", "2.0%", "43%", "30%", "2.0%"], "not sure, perhaps plastic", 70),
        (panels.nth(1), ["0.4%", "0.1%", "0.2%", "3.1%", "96%", "0.5%"], "metal", 90),
    ):
        expect(panel.locator(".value")).to_have_text(bars)
        expect(panel.locator(".verdict")).to_have_text(verdict)
        expect(panel.locator(".time")).to_contain_text("in the server")
        expect(panel.locator(".kind")).to_contain_text(
            f"Right on {right} of 100 test photos, on {right - 30} of 100 from other places."
        )
    expect(panels.nth(0).get_by_role("heading")).to_have_text("small model")
    expect(found.get_by_text("the small model says plastic (not sure), the large model says metal.")).to_be_visible()
    expect(found.locator(".share")).to_have_text("96%")
    expect(page.get_by_role("status")).to_have_text("photo.jpg: metal, 96%.")


def test_classes_of_ones_own(page: Page, url: str, classifier: PageClassifier) -> None:
    classifier.labels = ("cup", "plate")
    classifier.answers = dict.fromkeys(classifier.answers, np.array([0.1, 0.9], np.float32))
    page.goto(url)
    choose(page, photo())
    expect_word(page, "photo.jpg", "plate")
    expect(card(page, "photo.jpg").locator(".model").first.locator(".bars > li")).to_have_text(["cup10%", "plate90%"])


def test_not_sure(page: Page, url: str, classifier: PageClassifier) -> None:
    classifier.answers["pretrained"] = PLASTIC
    page.goto(url)
    choose(page, photo())
    expect_word(page, "photo.jpg", "not sure")
    expect(card(page, "photo.jpg").get_by_text("Perhaps plastic, 43%.")).to_be_visible()


def test_many_pictures_good_and_bad(page: Page, url: str) -> None:
    page.goto(url)
    choose(page, *(photo(f"{number}.jpg") for number in range(8)), text_file())
    for number in range(8):
        expect_word(page, f"{number}.jpg", "metal")
    expect_word(page, "notes.jpg", "no answer")
    expect(card(page, "notes.jpg").get_by_text("This is no picture")).to_be_visible()
    expect(card(page, "notes.jpg").get_by_role("button", name="Try again")).to_be_hidden()
    assert page.locator("figcaption").all_inner_texts() == [*(f"{number}.jpg" for number in range(8)), "notes.jpg"]
    expect(page.get_by_text("On this page: 8 metal, 1 no answer.")).to_be_visible()
    keep_screenshot(page, "many")
    expect(card(page, "0.jpg").locator(".bars").first).to_be_hidden()
    card(page, "0.jpg").get_by_text("Each model in numbers").click()
    expect(card(page, "0.jpg").locator(".bars").first).to_be_visible()


def test_folder_that_is_dropped(page: Page, url: str, tmp_path: Path) -> None:
    names = ["can.jpg", "old/bottle.png"]
    for name in names:
        (tmp_path / "waste" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "waste" / name).write_bytes(photo()["buffer"])
    (tmp_path / "waste" / "notes.txt").write_text("not a picture, and not asked about")
    page.goto(url)
    drop_from_outside(page, tmp_path / "waste")
    for name in names:
        expect_word(page, Path(name).name, "metal")
    expect(page.get_by_text("On this page: 2 metal.")).to_be_visible()


def test_picture_that_is_cut_off(page: Page, url: str) -> None:
    page.goto(url)
    file = photo()
    choose(page, {**file, "buffer": file["buffer"][:-200]})
    expect(card(page, "photo.jpg").get_by_text("damaged or cut off")).to_be_visible()


def test_examples_are_called_renderings(page: Page, url: str) -> None:
    page.goto(url)
    group = page.get_by_role("group", name="Renderings to try")
    expect(group.get_by_role("button")).to_have_count(6)
    expect(page.get_by_text("These are renderings, made by a computer, not photos.")).to_be_visible()
    group.get_by_role("button", name="Tin can").click()
    expect_word(page, "Tin can", "metal")


def test_keyboard_alone(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_role("status")).to_have_text("")
    focused = []
    for _ in range(7):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    buttons = ["choose", "camera-on", "Examples", "Glass bottle", "Crumpled letter", "Cardboard box"]
    assert focused == ["Limits", *buttons]
    page.keyboard.press("Enter")
    expect_word(page, "Cardboard box", "metal")
    expect(page.get_by_role("button", name="Cardboard box")).to_be_hidden()
    with page.expect_file_chooser():
        page.get_by_label("Choose photos").focus()
        page.keyboard.press("Enter")


def test_server_gone_and_back(page: Page, classifier: PageClassifier) -> None:
    with served(application(classifier)) as url:
        page.goto(url)
        expect(page.get_by_text("nothing is kept")).to_be_visible()
    choose(page, photo())
    expect_word(page, "photo.jpg", "no answer")
    expect(card(page, "photo.jpg").get_by_text("cannot be reached")).to_be_visible()
    with served(application(classifier), int(url.rpartition(":")[2])):
        card(page, "photo.jpg").get_by_role("button", name="Try again").click()
        expect_word(page, "photo.jpg", "metal")


def test_one_model_away_leaves_the_other(page: Page, url: str, classifier: PageClassifier) -> None:
    del classifier.answers["raw"]
    page.goto(url)
    choose(page, photo())
    expect_word(page, "photo.jpg", "metal")
    expect(card(page, "photo.jpg").locator(".model").nth(0)).to_contain_text("Something went wrong in the service")


def test_a_busy_service_is_asked_again(page: Page, url: str, classifier: PageClassifier) -> None:
    classifier.first_errors = [errors.QueueFull(), errors.ModelUnavailable("raw")]
    page.goto(url)
    choose(page, photo())
    expect_word(page, "photo.jpg", "metal")
    assert len(classifier.asked) == 4


def test_photos_wait_for_models_that_are_starting(page: Page, url: str, classifier: PageClassifier) -> None:
    classifier.models_ready = {"raw": True, "pretrained": False}
    page.goto(url)
    expect(page.get_by_role("status")).to_have_text("Not ready yet: pretrained. Photos wait for it.")
    classifier.models_ready = {"raw": True, "pretrained": True}
    expect(page.get_by_role("status")).to_have_text("")


def test_api_key(page: Page, classifier: PageClassifier) -> None:
    with served(application(classifier, api_keys="secret")) as url:
        page.goto(url)
        choose(page, photo())
        field = page.get_by_label("This service asks for an API key.")
        field.fill("wrong")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_role("status")).to_contain_text("does not take this key")
        expect(field).to_be_visible()
        field.fill("secret")
        field.press("Enter")
        expect_word(page, "photo.jpg", "metal")
        expect(field).to_be_hidden()
        page.reload()
        choose(page, photo("second.jpg"))
        expect_word(page, "second.jpg", "metal")


@pytest.mark.parametrize("settings", [{"max_body_bytes": 40_000}, {"max_pixels": 2_000_000}], ids=["bytes", "pixels"])
def test_photos_over_a_limit_are_scaled_down(page: Page, classifier: PageClassifier, settings: dict[str, int]) -> None:
    large = photo(width=3000, height=2000)
    assert len(large["buffer"]) > 40_000
    with served(application(classifier, **settings)) as url:
        page.goto(url)
        choose(page, large)
        expect(page.locator(".card h2")).to_have_text("metal")
    assert all(len(image) < 40_000 for _, image, _ in classifier.asked)


def test_large_photos_are_scaled_down_before_they_travel_far(page: Page, url: str, classifier: PageClassifier) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1000, 3), dtype=np.uint8)
    large = photo()
    large["buffer"] = encode(Image.fromarray(noise), "JPEG", quality=90)
    assert len(large["buffer"]) > 1_000_000
    for host, edge in (("127.0.0.1", 1500), (FAR_HOST, 1280)):
        classifier.asked.clear()
        page.goto(url.replace("127.0.0.1", host))
        choose(page, large)
        expect(page.locator(".card h2")).to_have_text("metal")
        expect(page.get_by_text("made smaller before it was sent")).to_be_visible(visible=edge == 1280)
        with Image.open(io.BytesIO(classifier.asked[0][1])) as sent:
            assert max(sent.size) == edge


def test_names_of_files_are_text(page: Page, url: str) -> None:
    page.goto(url)
    name = "<img src=x onerror=alert(1)>.jpg"
    choose(page, photo(name))
    expect_word(page, name, "metal")
    expect(page.locator("figcaption")).to_have_text(name)


def test_where_did_it_look(page: Page, url: str) -> None:
    page.goto(url)
    choose(page, photo())
    expect_word(page, "photo.jpg", "metal")
    found = card(page, "photo.jpg")
    raw, pretrained = (found.get_by_role("button", name="Show why").nth(index) for index in (0, 1))
    heat = found.locator(".heat")
    expect(heat).to_be_hidden()
    pretrained.click()
    expect(heat).to_have_attribute("alt", "Heat map of the large model for metal")
    expect(pretrained).to_have_attribute("aria-pressed", "true")
    expect(found.get_by_text("says nothing about whether the answer is right")).to_be_visible()
    assert heat.bounding_box() == found.locator(".picture").bounding_box()
    keep_screenshot(page, "heat")
    raw.click()
    expect(heat).to_have_attribute("alt", "Heat map of the small model for plastic")
    expect(pretrained).to_have_attribute("aria-pressed", "false")
    raw.click()
    expect(heat).to_be_hidden()


def test_feedback_is_offered_where_it_is_switched_on(page: Page, classifier: PageClassifier, tmp_path: Path) -> None:
    file = photo()
    with served(application(classifier, feedback_folder=tmp_path)) as url:
        page.goto(url)
        expect(page.get_by_text("Only those that you send in as wrongly judged are kept")).to_be_visible()
        choose(page, file)
        expect_word(page, "photo.jpg", "metal")
        found = card(page, "photo.jpg")
        expect(found.get_by_text("It then keeps this photo")).to_be_visible()
        found.get_by_role("button", name="Tell the service").click()
        assert not list(tmp_path.iterdir())
        found.get_by_label("Wrong? It is").select_option("glass")
        found.get_by_role("button", name="Tell the service").click()
        expect(found.get_by_text("Thank you.")).to_be_visible()
    (kept,) = tmp_path.glob("*/*")
    assert (kept.parent.name, kept.read_bytes()) == ("glass", file["buffer"])


def test_feedback_is_not_offered_by_default(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_text("nothing is kept")).to_be_visible()
    choose(page, photo())
    expect_word(page, "photo.jpg", "metal")
    expect(page.get_by_role("button", name="Tell the service")).to_be_hidden()
