"""The camera that stays on, with Chromium's fake cameras: films that the tests draw."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import FAR_HOST, chromium, keep_screenshot
from tests.browser.fakes import PageClassifier

pytestmark = pytest.mark.browser

WIDTH, HEIGHT, FRAMES_A_SECOND = 160, 120, 10
GREY, RED = (180, 128, 128), (82, 90, 240)  # Y, Cb, Cr of the ground and of the thing


def frame(random: np.random.Generator, thing_at: int | None) -> bytes:
    """One frame: grey, and a red thing whose left edge is at `thing_at`, if any; noise as a camera has it."""
    planes = [np.full((HEIGHT, WIDTH), level, np.int16) for level in GREY]
    if thing_at is not None:
        for plane, level in zip(planes, RED, strict=True):
            plane[30:90, max(0, thing_at) : max(0, thing_at + 60)] = level
    planes[0] += random.integers(-3, 4, (HEIGHT, WIDTH), np.int16)
    halved = [planes[0], planes[1][::2, ::2], planes[2][::2, ::2]]
    return b"FRAME\n" + b"".join(plane.astype(np.uint8).tobytes() for plane in halved)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of nothing, a thing comes, stays for eight seconds, and goes. Chromium plays it again and again."""
    random = np.random.default_rng(0)
    places: list[int | None] = [*[None] * 80, *range(-60, 50, 22), *[50] * 80, *range(28, -60, -22)]
    film = [frame(random, at) for at in places]
    path = tmp_path_factory.mktemp("film") / "film.y4m"
    path.write_bytes(b"YUV4MPEG2 W%d H%d F%d:1 Ip C420jpeg\n" % (WIDTH, HEIGHT, FRAMES_A_SECOND) + b"".join(film))
    return path


@pytest.fixture(scope="module")
def browser(film: Path) -> Iterator[Browser]:
    with chromium("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}") as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser whose owner lets every page use the camera."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, permissions=["camera"])
    yield context
    context.close()


def switched_on(page: Page, url: str) -> Page:
    page.set_default_timeout(20_000)
    page.goto(url)
    page.get_by_role("button", name="Camera on").click()
    expect(page.locator("#video")).not_to_have_js_property("videoWidth", 0)
    return page


def test_button_and_space_bar_take_a_photo_each(context: BrowserContext, url: str, classifier: PageClassifier) -> None:
    page = switched_on(context.new_page(), url)
    cards = page.locator(".card")
    page.get_by_role("button", name="Take the photo").click()
    expect(cards).to_have_count(1)
    page.keyboard.press("Space")  # the button has the focus and takes it itself
    expect(cards).to_have_count(2)
    page.evaluate("document.activeElement.blur()")
    for _ in range(3):  # a key that is held down repeats itself
        page.keyboard.down("Space")
    page.keyboard.up("Space")
    expect(cards).to_have_count(3)
    for index in range(3):
        expect(cards.nth(index).locator("h2")).to_have_text("metal")
    page.get_by_text("Each model in numbers").first.click()
    page.keyboard.press("Space")  # folds the numbers of the focused card
    expect(page.locator("details .bars").first).to_be_hidden()
    expect(cards).to_have_count(3)
    with Image.open(io.BytesIO(classifier.asked[0][1])) as photo:
        assert photo.format == "JPEG"
        assert photo.width / photo.height == pytest.approx(WIDTH / HEIGHT)
    names = page.locator("figcaption").all_inner_texts()
    assert [name.rpartition("-")[2] for name in names] == ["3.jpg", "2.jpg", "1.jpg"]


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800), (1920, 1080)])
def test_live_picture_and_answer_are_seen_together(browser: Browser, url: str, width: int, height: int) -> None:
    phone = width == 360
    context = browser.new_context(
        viewport={"width": width, "height": height}, permissions=["camera"], has_touch=phone, is_mobile=phone
    )
    page = switched_on(context.new_page(), url)
    for count in (1, 2):
        page.get_by_role("button", name="Take the photo").click()
        expect(page.locator(".card:not([aria-busy])")).to_have_count(count)
        for part in ("#video", "#shutter", ".card h2", ".card .share"):
            expect(page.locator(part).first).to_be_in_viewport(ratio=1)
        video, word = page.locator("#video").bounding_box(), page.locator(".card h2").first.bounding_box()
        assert video
        assert word
        assert word["y"] >= video["y"] + video["height"] or word["x"] >= video["x"] + video["width"]
    keep_screenshot(page, f"live-{width}")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    context.close()


_RED = """() => {
    const context = document.createElement("canvas").getContext("2d");
    context.drawImage(document.getElementById("video"), 0, 0, 3, 3);
    const [red, green] = context.getImageData(1, 1, 1, 1).data;
    return red > 2 * green;
}"""


def wait_for_thing(page: Page, *, there: bool) -> None:
    """Waits until the film shows the thing, or nothing."""
    while page.evaluate(_RED) != there:
        page.wait_for_timeout(100)


def test_a_steady_thing_is_photographed_once_and_an_empty_place_never(
    context: BrowserContext, url: str, classifier: PageClassifier
) -> None:
    page = switched_on(context.new_page(), url)
    wait_for_thing(page, there=True)
    wait_for_thing(page, there=False)
    page.get_by_label("Take it by itself").check()
    hint, cards = page.locator("#live-hint"), page.locator(".card")
    for count in (1, 2):
        expect(hint).to_have_text(
            "Hold one thing in front of the camera. The photo is taken by itself.", timeout=60_000
        )
        assert cards.count() == count - 1
        expect(hint).to_have_text("Taken. Swap the thing for the next photo.", timeout=60_000)
        expect(cards).to_have_count(count)
    with Image.open(io.BytesIO(classifier.asked[-1][1])) as photo:
        red, green, _ = np.asarray(photo.convert("RGB"))[photo.height // 2, photo.width // 2].tolist()
    assert red > 2 * green, "the thing is in the middle of the photo"


def test_kiosk_starts_with_the_camera_by_its_address(context: BrowserContext, url: str) -> None:
    page = context.new_page()
    for query, steady in (("?camera", False), ("?camera=steady", True)):
        page.goto(f"{url}/{query}")
        expect(page.get_by_label("Take it by itself")).to_be_checked(checked=steady)
        expect(page.locator("#video")).not_to_have_js_property("videoWidth", 0)


_SEQUENCE = """async (scenes) => {
    const { SAMPLE, Steadiness } = await import("./web/steady.js");
    const steadiness = new Steadiness();
    let seed = 1;
    const noise = () => ((seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5) * 6;
    return scenes.map(([thing, light, samples]) => {
        const seen = Array.from({ length: samples }, () =>
            steadiness.look(Float32Array.from({ length: SAMPLE.width * SAMPLE.height }, (_, index) => {
                const inside = index % SAMPLE.width < thing && index > 10 * SAMPLE.width && index < 26 * SAMPLE.width;
                return 120 + light + (inside ? 70 : 0) + noise();
            })),
        );
        return seen.filter((state, index) => state !== seen[index - 1]).join(" ");
    });
}"""


def test_what_steady_means(context: BrowserContext, url: str) -> None:
    page = context.new_page()
    page.goto(url)
    scenes = {
        "the ground first": (0, 0, 8, "moving empty"),
        "it gets lighter": (0, 25, 8, "empty"),
        "something comes": (12, 25, 8, "moving take taken"),
        "and stays": (12, 25, 20, "taken"),
        "something else in its place": (24, 25, 8, "moving take taken"),
        "all gone": (0, 25, 8, "moving empty"),
        "something is left lying": (12, 25, 400, "moving take taken empty"),
        "and more comes": (30, 25, 8, "moving take taken"),
    }
    seen = page.evaluate(_SEQUENCE, [scene[:3] for scene in scenes.values()])
    assert dict(zip(scenes, seen, strict=True)) == {name: scene[3] for name, scene in scenes.items()}


def test_camera_is_released_and_its_loss_is_told(context: BrowserContext, url: str) -> None:
    page = switched_on(context.new_page(), url)
    page.evaluate("window.track = document.getElementById('video').srcObject.getVideoTracks()[0]")
    page.get_by_role("button", name="Camera off").click()
    assert page.evaluate("window.track.readyState") == "ended"
    expect(page.locator("#live")).to_be_hidden()
    page.get_by_role("button", name="Camera on").click()
    expect(page.locator("#live")).to_be_visible()
    page.evaluate("document.getElementById('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert")).to_have_text("The camera is gone. Plug it in, then switch it on again.")
    expect(page.get_by_role("button", name="Camera on")).to_be_visible()


def test_without_permission(browser: Browser, url: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Camera on").click()
    expect(page.get_by_role("alert")).to_contain_text("The browser does not let this page use the camera.")
    expect(page.locator("#live")).to_be_hidden()
    context.close()


def test_without_a_secure_context(context: BrowserContext, url: str) -> None:
    page = context.new_page()
    page.goto(url.replace("127.0.0.1", FAR_HOST))
    page.get_by_role("button", name="Camera on").click()
    expect(page.get_by_role("alert")).to_contain_text("on https or localhost only")
