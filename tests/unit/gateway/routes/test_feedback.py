"""POST /feedback: off by default, bounded, and a folder by class."""

from pathlib import Path

import httpx
import pytest

from gateway.errors import BrokenImage
from tests.support.pictures import bottle, encode
from tests.unit.gateway.fakes import FakeClassifier, application, client_of, problem

PHOTO = encode(bottle(), "JPEG")
OTHER = encode(bottle(100, 80), "PNG")


def kept(folder: Path) -> dict[str, bytes]:
    return {f"{path.parent.name}/{path.suffix}": path.read_bytes() for path in folder.glob("*/*")}


async def test_off_by_default(client: httpx.AsyncClient) -> None:
    assert (await client.get("/models")).json()["feedback"] is False
    problem(await client.post("/feedback?label=glass", files={"file": PHOTO}), 404)
    assert "/feedback" not in (await client.get("/openapi.json")).json()["paths"]


async def test_photo_is_kept_under_the_class_as_it_came(classifier: FakeClassifier, tmp_path: Path) -> None:
    folder = tmp_path / "feedback"
    async with client_of(application(classifier, feedback_folder=folder)) as client:
        assert (await client.get("/models")).json()["feedback"] is True
        for label, photo in (("glass", PHOTO), ("trash", OTHER)):
            response = await client.post(f"/feedback?label={label}", files={"file": photo})
            assert (response.status_code, response.content) == (204, b"")
    assert kept(folder) == {"glass/.jpeg": PHOTO, "trash/.png": OTHER}
    assert [asked[1] for asked in classifier.asked] == [PHOTO, OTHER]


async def test_last_word_about_a_photo_counts(classifier: FakeClassifier, tmp_path: Path) -> None:
    async with client_of(application(classifier, feedback_folder=tmp_path, feedback_max_bytes=len(PHOTO))) as client:
        for label in ("glass", "glass", "metal"):
            assert (await client.post(f"/feedback?label={label}", files={"file": PHOTO})).status_code == 204
    assert kept(tmp_path) == {"metal/.jpeg": PHOTO}


async def test_full_folder_takes_no_more(classifier: FakeClassifier, tmp_path: Path) -> None:
    async with client_of(application(classifier, feedback_folder=tmp_path, feedback_max_bytes=len(PHOTO))) as client:
        await client.post("/feedback?label=glass", files={"file": PHOTO})
        assert "make room" in problem(await client.post("/feedback?label=glass", files={"file": OTHER}), 507)["detail"]
    assert kept(tmp_path) == {"glass/.jpeg": PHOTO}


@pytest.mark.parametrize("label", ["", "gold", "../glass", "glass/../..", ".", "Glass"])
async def test_labels_are_the_classes_and_nothing_else(classifier: FakeClassifier, tmp_path: Path, label: str) -> None:
    async with client_of(application(classifier, feedback_folder=tmp_path)) as client:
        response = await client.post("/feedback", params={"label": label}, files={"file": PHOTO})
    assert "glass, metal, paper" in problem(response, 422)["detail"]
    assert kept(tmp_path) == {}


async def test_what_is_no_photo_is_not_kept(classifier: FakeClassifier, tmp_path: Path) -> None:
    async with client_of(application(classifier, feedback_folder=tmp_path, max_body_bytes=2048)) as client:
        problem(await client.post("/feedback?label=glass", files={"file": b"<svg></svg>"}), 415)
        problem(await client.post("/feedback?label=glass", files={"file": PHOTO[:500]}), 422)
        problem(await client.post("/feedback?label=glass", files={"file": b"x" * 3000}), 413)
        problem(await client.post("/feedback?label=glass", content=b""), 422)
    assert kept(tmp_path) == {}


async def test_damage_that_only_a_decoder_finds_is_refused_as_everywhere(
    classifier: FakeClassifier, tmp_path: Path
) -> None:
    middle = len(PHOTO) * 2 // 3
    scan_cut = PHOTO[:middle] + b"\xff\xd9"
    async with client_of(application(classifier, feedback_folder=tmp_path)) as client:
        assert "damaged" in problem(await client.post("/feedback?label=glass", files={"file": scan_cut}), 422)["detail"]
        classifier.error = BrokenImage("The image cannot be decoded.")  # Triton's word about a PNG that it takes itself
        problem(await client.post("/feedback?label=glass", files={"file": OTHER}), 422)
        problem(await client.post("/raw/predict", files={"file": OTHER}), 422)
    assert kept(tmp_path) == {}


async def test_keys_are_asked_for(classifier: FakeClassifier, tmp_path: Path) -> None:
    async with client_of(application(classifier, feedback_folder=tmp_path, api_keys="secret")) as client:
        problem(await client.post("/feedback?label=glass", files={"file": PHOTO}), 401)


async def test_without_known_classes_nothing_is_kept(
    classifier: FakeClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "described", dict)
    async with client_of(application(classifier, feedback_folder=tmp_path)) as client:
        problem(await client.post("/feedback?label=glass", files={"file": PHOTO}), 503)
