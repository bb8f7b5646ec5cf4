"""GET /models over a fake classifier."""

from tests.unit.gateway.fakes import LABELS, FakeClassifier, application, client_of, problem


async def test_models_with_what_is_known_of_them(classifier: FakeClassifier) -> None:
    classifier.threshold = 0.55
    classifier.models_ready = {"raw": True, "pretrained": False}
    async with client_of(application(classifier, max_body_bytes=4096, max_pixels=100)) as client:
        answer = (await client.get("/models")).json()
    raw, pretrained = answer["models"]
    assert raw == {
        "name": "raw",
        "ready": True,
        "version": "1-0123456789ab",
        "classes": list(LABELS),
        "confidence_threshold": 0.55,
        "metrics": {"test": {"accuracy": 0.75}},
        "places": {"held_out_mean": {"accuracy": 0.5}},
        "explains": True,
    }
    assert (pretrained["name"], pretrained["ready"]) == ("pretrained", False)
    assert (pretrained["version"], pretrained["classes"], pretrained["metrics"]) == (None, [], {})
    assert answer["limits"]["max_body_bytes"] == 4096
    assert answer["limits"]["max_pixels"] == 100
    assert not classifier.asked


async def test_names_and_advice_of_classes_and_the_operators_line(classifier: FakeClassifier) -> None:
    classifier.class_descriptions = {"glass": {"names": {"uk": "скло"}}}
    async with client_of(application(classifier, if_in_doubt="Ask at the gate.")) as client:
        answer = (await client.get("/models")).json()
    empty: dict[str, object] = {"color": None, "color_dark": None, "advice": {}}
    assert answer["class_descriptions"] == {"glass": {**empty, "names": {"uk": "скло"}}}
    assert answer["if_in_doubt"] == "Ask at the gate."
    classifier.class_descriptions = {}
    async with client_of(application(classifier)) as client:
        answer = (await client.get("/models")).json()
    assert (answer["class_descriptions"], answer["if_in_doubt"]) == ({}, None)


async def test_asking_for_models_needs_a_key_where_there_are_keys(classifier: FakeClassifier) -> None:
    async with client_of(application(classifier, api_keys="secret")) as client:
        problem(await client.get("/models"), 401)
        assert (await client.get("/models", headers={"X-API-Key": "secret"})).status_code == 200
