"""POST /{model_type}/explain over a fake classifier: which class, which picture, what it is laid over."""

import io

import httpx
import numpy as np
import pytest
from PIL import Image

from gateway import errors
from tests.support.pictures import bottle, encode, with_orientation
from tests.unit.gateway.fakes import FakeClassifier, problem

PHOTO = encode(bottle(320, 240), "JPEG")
METAL, GLASS = 4, 0


@pytest.fixture(autouse=True)
def _maps(classifier: FakeClassifier) -> None:
    """Metal is in the upper right, glass in the lower left, and against glass speaks the upper left."""
    classifier.maps[METAL, 0, 2] = 5
    classifier.maps[GLASS, 2, 0], classifier.maps[GLASS, 0, 0] = 0.5, -9


def alpha(response: httpx.Response) -> np.ndarray:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.mode == "RGBA"
        return np.asarray(picture)[..., 3]


def brightest(values: np.ndarray) -> tuple[int, int]:
    """Row and column of the ninth of the picture in which the largest value is."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    return int(row * 3 // values.shape[0]), int(column * 3 // values.shape[1])


async def test_heat_of_the_predicted_class(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    response = await client.post("/raw/explain?layer=heat", files={"file": PHOTO})
    heat = alpha(response)
    assert brightest(heat) == (0, 2)
    assert heat.max() > 190
    assert heat[-1, 0] == 0
    assert response.headers["x-explained-class"] == "metal"
    assert response.headers["x-model-version"] == "1-0123456789ab"
    assert classifier.asked[0][:2] == ("raw_explain", PHOTO)


async def test_body_may_be_the_photo_itself(client: httpx.AsyncClient) -> None:
    raw = await client.post("/raw/explain", content=PHOTO, headers={"Content-Type": "image/jpeg"})
    form = await client.post("/raw/explain", files={"file": PHOTO})
    assert raw.status_code == form.status_code == 200
    assert raw.content == form.content


async def test_heat_of_a_class_that_is_asked_for(client: httpx.AsyncClient) -> None:
    response = await client.post("/raw/explain?layer=heat&class=glass", files={"file": PHOTO})
    heat = alpha(response)
    assert brightest(heat) == (2, 0)
    assert heat[0, 0] == 0  # what speaks against the class is not shown
    assert response.headers["x-explained-class"] == "glass"


async def test_class_for_which_nothing_speaks_leaves_the_picture_clear(client: httpx.AsyncClient) -> None:
    assert alpha(await client.post("/raw/explain?layer=heat&class=trash", files={"file": PHOTO})).max() == 0


@pytest.mark.parametrize("orientation", [1, 6, 8])
async def test_heat_lies_over_the_upright_photo(client: httpx.AsyncClient, orientation: int) -> None:
    photo = with_orientation(Image.new("RGB", (320, 240), (90, 90, 90)), orientation)
    response = await client.post("/raw/explain", files={"file": photo})
    with Image.open(io.BytesIO(response.content)) as picture:
        assert picture.size == (320, 240)
        assert brightest(np.asarray(picture.convert("RGB"))[..., 0]) == (0, 2)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"])
async def test_large_photos_of_every_format_come_back_small(client: httpx.AsyncClient, format: str) -> None:
    response = await client.post("/raw/explain", files={"file": encode(bottle(2000, 1000), format)})
    assert response.status_code == 200, response.text
    with Image.open(io.BytesIO(response.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (640, 320))


async def test_explanations_do_not_count_as_answers(client: httpx.AsyncClient) -> None:
    await client.post("/raw/explain", files={"file": PHOTO})
    metrics = (await client.get("/metrics")).text
    labels = 'model="raw_explain",outcome="ok",status="200",version="1-0123456789ab"'
    assert f"gateway_requests_total{{{labels}}} 1.0" in metrics
    assert "gateway_predictions_total{" not in metrics


@pytest.mark.parametrize(
    ("query", "says"), [("class=gold", "glass, paper"), ("layer=x-ray", "photo, heat"), ("class=", "Classes")]
)
async def test_wrong_questions(client: httpx.AsyncClient, query: str, says: str) -> None:
    response = await client.post(f"/raw/explain?{query}", files={"file": PHOTO})
    assert says in problem(response, 422)["detail"]


async def test_refusals_are_those_of_predictions(client: httpx.AsyncClient, classifier: FakeClassifier) -> None:
    problem(await client.post("/resnet/explain", files={"file": PHOTO}), 404)
    problem(await client.post("/raw/explain", files={"file": b"no photo"}), 415)
    problem(await client.post("/raw/explain", files={"file": PHOTO[:900]}), 422)
    problem(await client.get("/raw/explain"), 405)
    for error, status in ((errors.CanNotExplain("raw"), 404), (errors.QueueFull(), 429)):
        classifier.error = error
        problem(await client.post("/raw/explain", files={"file": PHOTO}), status)


@pytest.mark.parametrize("shape", [(5, 3, 3), (6, 9), (0, 0, 0)])
async def test_maps_that_fit_no_classes_are_a_fault(
    client: httpx.AsyncClient, classifier: FakeClassifier, shape: tuple[int, ...]
) -> None:
    classifier.maps = np.zeros(shape, np.float32)
    problem(await client.post("/raw/explain", files={"file": PHOTO}), 500)
