"""The ledger of one request's time."""

from typing import Any

from scripts.bench.ledger import ledger, statistics, timings


class Triton:
    """Says what a server of release 2.51 says: counters as text, and nothing of a model that did nothing."""

    def get_inference_statistics(self, model: str, as_json: bool) -> dict[str, Any]:
        assert as_json
        document: dict[str, Any] = {"name": model}
        if model == "busy":
            document |= {
                "execution_count": "2",
                "inference_stats": {"success": {"count": "8", "ns": "16000000"}, "queue": {"count": "8", "ns": "8000"}},
            }
        return {"model_stats": [document]}


def test_a_header_is_read() -> None:
    header = "validate;dur=0.5, triton;dur=20.0, total;dur=21.1"
    assert timings(header) == {"validate": 0.5, "triton": 20.0, "total": 21.1}


def test_statistics_of_an_idle_model_are_nought() -> None:
    found = statistics(Triton(), ["busy", "idle"])
    assert (found["busy"]["success"], found["busy"]["requests"], found["busy"]["executions"]) == (16e6, 8, 2)
    assert found["busy"]["queue"] == 8000
    assert set(found["idle"].values()) == {0}


def test_the_parts_add_up_to_what_the_client_saw() -> None:
    def counters(requests: int, executions: int, **milliseconds: float) -> dict[str, float]:
        steps = dict.fromkeys(("success", "queue", "compute_input", "compute_infer", "compute_output"), 0.0)
        spent = {key: value * requests * 1e6 for key, value in milliseconds.items()}
        return {**steps, **spent, "requests": requests, "executions": executions}

    models = ("raw", "preprocess", "raw_cnn")
    before = {model: counters(0, 0) for model in models}
    after = {
        "raw": counters(8, 8, success=18),
        "preprocess": counters(8, 2, success=8, queue=3, compute_infer=5),
        "raw_cnn": counters(8, 1, success=9, queue=2, compute_input=1, compute_infer=6),
    }
    seen = [(22.0, {"validate": 0.5, "triton": 19.0, "total": 21.0})] * 8
    found = ledger("raw", seen, before, after)
    assert found["client_ms"] == 22
    assert sum(found["parts_ms"].values()) == 22
    assert found["parts_ms"]["preprocess: queue"] == 3
    assert found["parts_ms"]["gRPC between gateway and Triton"] == 1
    assert found["parts_ms"]["ensemble: between the steps"] == 1
    assert found["parts_ms"]["multipart, JSON"] == 1.5
    assert found["mean_batch"] == {"preprocess": 4.0, "raw_cnn": 8.0}
