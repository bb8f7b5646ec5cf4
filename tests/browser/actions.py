"""What a person does with the page."""

from pathlib import Path

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.support.pictures import bottle, encode


def photo(name: str = "photo.jpg", width: int = 320, height: int = 240) -> FilePayload:
    """A picture that a test draws, as a file for the page."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": encode(bottle(width, height), "JPEG")}


def text_file(name: str = "notes.jpg") -> FilePayload:
    """A text that calls itself a picture."""
    return {"name": name, "mimeType": "image/jpeg", "buffer": b"no picture at all"}


def _wait_for_scripts(page: Page) -> None:
    """Waits until the page says something in a language: whatever happens before is lost."""
    expect(page.locator("[data-text]").first).not_to_be_empty()


def hand_over(page: Page, event: str, *files: FilePayload) -> None:
    """Drops or pastes files: what a browser does with the operating system's, done with files made in the page."""
    _wait_for_scripts(page)
    contents = [[file["name"], file["mimeType"], list(file["buffer"])] for file in files]
    page.evaluate(
        """([event, files]) => {
            const data = new DataTransfer();
            for (const [name, type, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name, { type }));
            const how = { bubbles: true, cancelable: true };
            const target = document.body;
            if (event === "paste") target.dispatchEvent(new ClipboardEvent(event, { ...how, clipboardData: data }));
            else for (const name of ["dragover", "drop"]) {
                target.dispatchEvent(new DragEvent(name, { ...how, dataTransfer: data }));
            }
        }""",
        [event, contents],
    )


def drop_from_outside(page: Page, path: Path) -> None:
    """Drops a file or folder of the disk, by Chromium's own protocol: a page cannot make folders."""
    _wait_for_scripts(page)
    session = page.context.new_cdp_session(page)
    for event in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        session.send("Input.dispatchDragEvent", {"type": event, "x": 200, "y": 200, "data": data})


def choose(page: Page, *files: FilePayload) -> None:
    """Chooses files in the dialogue of the button."""
    _wait_for_scripts(page)
    page.get_by_label("Choose photos").set_input_files(list(files))


def card(page: Page, name: str) -> Locator:
    """The card of the photo with this name."""
    return page.get_by_role("listitem").filter(has=page.get_by_text(name, exact=True))


def expect_word(page: Page, name: str, word: str) -> None:
    """Waits until the large word of a photo's card says so."""
    expect(card(page, name).get_by_role("heading", level=2)).to_have_text(word, timeout=20_000)
