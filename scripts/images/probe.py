#!/usr/bin/env python3
"""Health check of a Triton container: does every ensemble answer a real inference?

Triton's own readiness stays true when a backend process is dead or the GPU is lost; only an inference finds that out.
Runs on the standard library alone, in the CPU image and in NVIDIA's. Ends with status 1 and a sentence where something
is wrong.
"""

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

#: The server is the container's own: no proxy is asked, whatever the environment says.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
QUEUE_FULL = "Exceeds maximum queue size"


def ensembles(model_repository: Path) -> list[str]:
    """Return the names of the ensembles in the model repository; of those with the same steps only one."""
    by_steps: dict[tuple[str, ...], str] = {}
    for path in sorted(model_repository.glob("*/config.pbtxt")):
        text = path.read_text(encoding="utf-8")
        if 'platform: "ensemble"' in text:
            by_steps.setdefault(tuple(re.findall(r'model_name: "([^"]+)"', text)), path.parent.name)
    return list(by_steps.values())


def infer(url: str, model: str, image: bytes, timeout: float) -> str | None:
    """Ask one ensemble.

    Args:
        url: Triton's HTTP address.
        model: name of the ensemble.
        image: an encoded image file.
        timeout: seconds to wait for the answer.

    Returns:
        What is wrong, or None. A full queue is an answer: the server is alive and busy.
    """
    tensor = {
        "name": "IMAGE",
        "datatype": "UINT8",
        "shape": [1, len(image)],
        "parameters": {"binary_data_size": len(image)},
    }
    header = json.dumps({"inputs": [tensor], "outputs": [{"name": "PROBABILITIES"}]}).encode()
    request = urllib.request.Request(  # noqa: S310 - the address is the container's own
        f"{url}/v2/models/{model}/infer",
        data=header + image,
        headers={"Inference-Header-Content-Length": str(len(header)), "Content-Type": "application/octet-stream"},
    )
    try:
        with _OPENER.open(request, timeout=timeout) as response:
            probabilities = json.load(response)["outputs"][0]["data"]
    except urllib.error.HTTPError as exc:
        message = exc.read(1000).decode(errors="replace")
        return None if QUEUE_FULL in message else f"{model} answers {exc.code}: {message}"
    except (OSError, ValueError, LookupError) as exc:
        return f"{model} does not answer: {exc}"
    return None if abs(sum(probabilities) - 1) < 1e-3 else f"{model} answers with no probabilities: {probabilities}"


def main() -> int:
    """Ask every ensemble; return 1 with a sentence where one does not answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="Triton's HTTP address")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds for each ensemble")
    parser.add_argument("--model-repository", type=Path, default=Path(__file__).resolve().parent / "model_repository")
    arguments = parser.parse_args()
    image = (arguments.model_repository / "preprocess" / "warmup" / "drawing.jpg").read_bytes()
    for model in ensembles(arguments.model_repository):
        fault = infer(arguments.url, model, image, arguments.timeout)
        if fault:
            print(fault, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
