"""Sections of documents that are made from the code: what stands between two markers."""

import re


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
