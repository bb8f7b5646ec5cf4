"""Goes on where an interrupted run stopped, by what its output file holds."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from scripts.cli.classify.writers import csv_columns


def keep_answers(output: Path, output_format: str, models: Sequence[str], classes: Sequence[str]) -> set[str]:
    """Take what is asked again out of the file: failures, photos without all answers, a last line that was cut off.

    Args:
        output: the file of the earlier run.
        output_format: "csv" or "jsonl".
        models: those that this run asks; answers of others stay.
        classes: those that this run's answers can have; a CSV file has to have their columns.

    Returns:
        The files that have the answers of all these models.

    Raises:
        ValueError: the file is not the output of an earlier run in this format.
    """
    if not output.exists():
        return set()
    kept = output.with_name(f".{output.name}.kept")
    columns = csv_columns(classes) if output_format == "csv" else None
    try:
        answered: defaultdict[str, set[str]] = defaultdict(set)
        for file, model, _ in _answers(output, columns):
            answered[file].add(model)
        done = {file for file, by in answered.items() if by.issuperset(models)}
        with kept.open("w", encoding="utf-8", newline="") as target:
            if columns and output.stat().st_size:
                csv.writer(target, lineterminator="\n").writerow(columns)
            target.writelines(
                text for file, model, text in _answers(output, columns) if file in done or model not in models
            )
        kept.replace(output)
    except (ValueError, KeyError, TypeError, csv.Error) as exc:
        raise ValueError(f"{output} is not what an earlier run with --format {output_format} has written") from exc
    finally:
        kept.unlink(missing_ok=True)
    return done


def _answers(output: Path, columns: Sequence[str] | None) -> Iterator[tuple[str, str, str]]:
    """Yield file, model and text of each answer; failures are none."""
    with output.open(encoding="utf-8", newline="") as source:
        if columns is None:
            for line in _whole_lines(source):
                record = json.loads(line)
                if "error" not in record:
                    yield record["file"], record["model"], line
            return
        rows = csv.DictReader(_whole_lines(source))
        if rows.fieldnames is not None and list(rows.fieldnames) != list(columns):
            raise ValueError("other columns")
        for row in rows:
            if row["pred_class"]:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerow(row[name] for name in columns)
                yield row["file"], row["model"], text.getvalue()


def _whole_lines(source: TextIO) -> Iterator[str]:
    return (line for line in source if line.endswith("\n"))
