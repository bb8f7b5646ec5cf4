"""``bin-it-right dev perf-data FOLDER > photos.json``: photos as perf_analyzer's ``--input-data``."""

import argparse
import base64
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def input_data(contents: Sequence[bytes]) -> dict[str, Any]:
    """Return the document that gives each file's content as one request's tensor IMAGE, UINT8 [bytes]."""
    entries = [{"b64": base64.b64encode(content).decode(), "shape": [len(content)]} for content in contents]
    return {"data": [{"IMAGE": entry} for entry in entries]}


def main(arguments: list[str] | None = None) -> int:
    """Print the document of every file in a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with photos and nothing else")
    folder = parser.parse_args(arguments).folder
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if not files:
        print(f"error: there is no photo in {folder}", file=sys.stderr)
        return 1
    json.dump(input_data([path.read_bytes() for path in files]), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
