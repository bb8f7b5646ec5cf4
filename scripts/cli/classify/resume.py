"""Goes on where an interrupted run stopped, by what its output file holds."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def keep_answers(output: Path, output_format: str) -> set[str]:
    """Takes failures, and a last line that was cut off, out of the file: they are asked again.

    Returns:
        The files that have their answer.

    Raises:
        ValueError: the file is not the output of an earlier run in this format.
    """
    if not output.exists():
        return set()
    kept = output.with_name(f".{output.name}.kept")
    copy = _copy_csv if output_format == "csv" else _copy_json_lines
    try:
        with (
            output.open(encoding="utf-8", newline="") as source,
            kept.open("w", encoding="utf-8", newline="") as target,
        ):
            done = copy(source, target)
        kept.replace(output)
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise ValueError(f"{output} is not what an earlier run with --format {output_format} has written") from error
    finally:
        kept.unlink(missing_ok=True)
    return done


def _whole_lines(source: TextIO) -> Iterator[str]:
    return (line for line in source if line.endswith("\n"))


def _copy_json_lines(source: TextIO, target: TextIO) -> set[str]:
    done: set[str] = set()
    for line in _whole_lines(source):
        record = json.loads(line)
        name = record["file"]
        if "error" not in record:
            done.add(name)
            target.write(line)
    return done


def _copy_csv(source: TextIO, target: TextIO) -> set[str]:
    done: set[str] = set()
    rows = csv.DictReader(_whole_lines(source))
    columns = rows.fieldnames
    if columns is None:
        return done
    writer = csv.DictWriter(target, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        if row["pred_class"]:
            done.add(row["file"])
            writer.writerow(row)
    return done
