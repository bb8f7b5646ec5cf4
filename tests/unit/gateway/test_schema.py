"""The OpenAPI document against the application: what it promises is what comes, whatever is asked."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from tests.unit.gateway.fakes import FakeClassifier, application


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_every_answer_is_one_that_the_document_promises(mode: schemathesis.GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", application(FakeClassifier()))
    operations = [found.ok() for found in schema.get_all_operations()]
    assert "POST /{model_type}/predict" in {operation.label for operation in operations}
    for operation in operations:
        if mode is schemathesis.GenerationMode.NEGATIVE and not operation.path_parameters:
            continue  # there is nothing to get wrong

        @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=HealthCheck)
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate()

        check()
