"""``bin-it-right dev evaluate-server DATASET``: measure the test split through the gateway and Triton.

The same metrics as ``bin-it-right evaluate``, from the answers of the running service; and how far those are from
the network alone, by the preprocessing of training. Ends with a JSON line, and with status 1 if they disagree.
"""

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.evaluate_server.places import measure_places
from scripts.evaluate_server.predictions import request_predictions
from scripts.evaluate_server.serving import served
from training.dataset.classes import read_classes
from training.dataset.entries import Entry, load_photos, read_entries
from training.dataset.places import read_places
from training.dataset.preprocessing import normalise
from training.dataset.specification import load_specification
from training.evaluate.places import check_held_out
from training.evaluate.provenance import hardware
from training.evaluate.released import load_released
from training.evaluate.report import make_report
from training.evaluate.summary import describe_report
from training.models.model_types import NETWORK_MODELS

#: Largest difference of probabilities between training and serving, and share of photos with another class. A server
#: that computes in bfloat16 comes to 0.05 and 1 of 431; another resize or order of colours far beyond both.
MOST_SKEW, MOST_CHANGED = 0.1, 0.005


def measure(url: str, model_type: str, entries: Sequence[Entry]) -> dict[str, Any]:
    """Ask about every photo, print the report, and return metrics and skew.

    Raises:
        ValueError: a photo is refused, or weights and card do not fit.
        FileNotFoundError: the released weights are missing.
    """
    network, card = load_released(model_type)
    specification = load_specification()
    photos = load_photos(entries, card.classes, specification.size)
    with torch.inference_mode():
        chunks = [network(normalise(chunk, specification)) for chunk in torch.split(photos.pixels, 32)]
    alone = torch.cat(chunks).double().numpy()
    through = request_predictions(url, model_type, entries, card.classes)
    labels = photos.labels.numpy()
    threshold = card.calibration.confidence_threshold
    reports = [make_report(said, labels, card.classes, threshold=threshold) for said in (through, alone)]
    print(describe_report(f"{model_type} through the gateway and Triton", reports[0], card.classes))
    return {
        "model_type": model_type,
        "photos": len(entries),
        "metrics": reports[0].metrics,
        "metrics_of_the_network_alone": reports[1].metrics,
        "largest_difference": float(np.abs(through - alone).max()),
        "changed_classes": int((through.argmax(axis=1) != alone.argmax(axis=1)).sum()),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure both models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="a folder with the split, or a Parquet file")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="a gateway; where none answers, one is started")
    parser.add_argument("--split", default="test", help="which split of the data set")
    parser.add_argument("--places", type=Path, metavar="FOLDER", help="photos from other places too")
    parser.add_argument("--held-out", metavar="PLACE", action="append", default=[], help="by name; repeatable")
    parser.add_argument("--model", choices=tuple(NETWORK_MODELS), action="append", help="both by default")
    parsed = parser.parse_args(arguments)
    try:
        entries = read_entries(parsed.dataset, parsed.split)
        places = read_places(parsed.places, read_classes()) if parsed.places else {}
        check_held_out(parsed.held_out, places)
        with served(parsed.url) as url:
            results = [measure(url, model_type, entries) for model_type in parsed.model or NETWORK_MODELS]
            for result in results if places else ():
                result["places"] = measure_places(url, result["model_type"], places, parsed.held_out)
    except (ValueError, FileNotFoundError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    agree = all(
        result["largest_difference"] <= MOST_SKEW and result["changed_classes"] <= MOST_CHANGED * result["photos"]
        for result in results
    )
    for result in results:
        print(
            f"{result['model_type']}: largest difference of probabilities to the network alone "
            f"{result['largest_difference']:.5f}, changed classes {result['changed_classes']} of {result['photos']}"
        )
    day = dt.datetime.now(tz=dt.UTC).date().isoformat()
    line = {"evaluation": "through the server", "split": parsed.split, "date": day, "hardware": hardware()}
    print(json.dumps({**line, "agree": agree, "models": results}))
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
