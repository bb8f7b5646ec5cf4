"""Sections of documents that are made from the code: what stands between two markers."""

import re
from pathlib import Path


def put_section(text: str, name: str, content: str) -> str:
    """Return ``text`` with ``content`` between ``<!-- name:begin -->`` and ``<!-- name:end -->``.

    Raises:
        ValueError: the markers are not there, once each and in this order.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(text)) != 1 or text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the text must hold {begin} and {end} once each, in this order")
    return pattern.sub(lambda _: f"{begin}\n\n{content}\n\n{end}", text)


def write_or_check(document: Path, text: str, *, check: bool, source: str) -> int:
    """Write a document anew, or only say whether it would be another one.

    Args:
        document: the file.
        text: what it is to hold.
        check: writes nothing.
        source: what its tables are made from, for the sentence.

    Returns:
        An exit status: 1 if ``check`` finds the document out of date.
    """
    if not check:
        document.write_text(text, encoding="utf-8")
        return 0
    fits = document.read_text(encoding="utf-8") == text
    print(f"the tables are those of the {source}" if fits else f"a table is not that of the {source}")
    return 0 if fits else 1
