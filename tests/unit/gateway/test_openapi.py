"""The OpenAPI document against the application: what it promises is what comes, whatever is asked."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.unit.gateway.fakes import FakeClassifier, application

#: A schema cannot say which bytes are a picture; and who leaves no time for an answer rightly gets a 504.
_EXCLUDED: list[Any] = [positive_data_acceptance, negative_data_rejection, not_a_server_error]


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_answer_is_one_that_the_document_promises(mode: schemathesis.GenerationMode, tmp_path: Path) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", application(FakeClassifier(), feedback_folder=tmp_path))
    operations = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operations.append(found.ok())
    assert "POST /{model_type}/predict" in {operation.label for operation in operations}
    for operation in operations:
        if mode is schemathesis.GenerationMode.NEGATIVE and not operation.path_parameters:
            continue  # there is nothing to get wrong

        @settings(
            max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case[Any]) -> None:
            response = case.call_and_validate(excluded_checks=_EXCLUDED)
            assert response.status_code < 500 or response.status_code == 504

        check()


def test_it_names_the_models_and_the_key_where_there_are_some() -> None:
    document = application(FakeClassifier(), api_keys="secret").openapi()
    predict = document["paths"]["/{model_type}/predict"]["post"]
    (model_type,) = (each for each in predict["parameters"] if each["name"] == "model_type")
    assert model_type["schema"]["enum"] == ["raw", "pretrained"]
    assert document["security"] == [{"ApiKey": []}, {"Bearer": []}]
    assert document["paths"]["/health/ready"]["get"]["security"] == []
    assert "security" not in application(FakeClassifier()).openapi()


def test_every_operation_is_described() -> None:
    paths = application(FakeClassifier(), feedback_folder="/nowhere").openapi()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert len(operations) == 7
    for operation in operations:
        assert all(operation[key] for key in ("summary", "operationId", "tags"))
        for status, response in operation["responses"].items():
            assert response["description"]
            assert response.get("content") or status == "204"


async def test_openapi_shows_every_status_with_an_example(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    predict = document["paths"]["/{model_type}/predict"]["post"]
    assert set(predict["responses"]) == {"200", *map(str, (401, 404, 408, 413, 415, 422, 429, 503, 504))}
    for status, response in predict["responses"].items():
        ((media_type, content),) = response["content"].items()
        assert media_type == ("application/json" if status == "200" else "application/problem+json")
        assert content["example"]
        if status != "200":
            assert content["example"]["status"] == int(status)
    single = ["multipart/form-data", "image/*", "application/octet-stream"]
    assert list(predict["requestBody"]["content"]) == single
    assert list(document["paths"]["/{model_type}/explain"]["post"]["requestBody"]["content"]) == single
    batch = document["paths"]["/{model_type}/predict/batch"]["post"]
    assert list(batch["requestBody"]["content"]) == ["multipart/form-data"]
    assert set(batch["responses"]["200"]["content"]) == {"application/json", "application/x-ndjson"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
