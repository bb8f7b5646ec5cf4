"""Explanations through Triton's explaining ensembles."""

import pytest

from gateway import errors
from gateway.triton.client import TritonClassifier
from tests.support.fake_triton import MAPS, OWN_DECODE_ERROR, FakeTriton, aborting
from tests.unit.gateway.fakes import permit


async def test_maps_come_with_the_answer(triton: FakeTriton, classifier: TritonClassifier) -> None:
    prediction = await classifier.explain("raw", b"photo", 5, permit())
    assert triton.inferences == ["raw_explain"]
    assert prediction.maps is not None
    assert prediction.maps.tolist() == MAPS.tolist()
    assert prediction.model.labels == triton.labels
    assert prediction.model.explains


async def test_plain_answers_ask_for_no_maps(triton: FakeTriton, classifier: TritonClassifier) -> None:
    assert (await classifier.classify("raw", b"photo", 5, permit())).maps is None
    assert triton.inferences == ["raw"]


async def test_repository_without_explaining_ensembles(triton: FakeTriton, classifier: TritonClassifier) -> None:
    triton.models = {"raw", "pretrained"}
    assert not (await classifier.classify("raw", b"photo", 5, permit())).model.explains
    with pytest.raises(errors.CanNotExplain, match="raw_explain"):
        await classifier.explain("raw", b"photo", 5, permit())


async def test_broken_images_are_called_so(triton: FakeTriton, classifier: TritonClassifier) -> None:
    await classifier.classify("raw", b"photo", 5, permit())
    triton.behaviour = aborting(*OWN_DECODE_ERROR)
    with pytest.raises(errors.BrokenImage):
        await classifier.explain("raw", b"photo", 5, permit())
