"""Follows the links of a document: to files and headings of the repository, and into the web."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import urllib3

from scripts.docs_check.documents import prose

_LINK = re.compile(
    r"\]\((?P<inline>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"[^\"]*\")?\)|<(?P<auto>https?://[^>\s]+)>"
)
_HTML_LINK = re.compile(r"""(?:href|src)="(?P<html>[^"]+)\"""")
_LOCAL_HOSTS = ("http://localhost", "http://127.0.0.1")
_CODE = re.compile(r"`[^`]*`")
_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*$")
#: What a server says of a page that is not there. Others (403, 429) mean that it does not like programs.
_GONE = frozenset({404, 410})
_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Link:
    """A link, and where it stands."""

    document: Path
    line: int
    target: str

    @property
    def is_web(self) -> bool:
        """Whether it leads out of the repository; what this project serves itself does not."""
        return self.target.startswith(("http://", "https://")) and not self.target.startswith(_LOCAL_HOSTS)


def links_of(document: Path) -> Iterator[Link]:
    """Yield every link outside code."""
    for number, line in prose(document.read_text(encoding="utf-8")):
        for pattern in (_LINK, _HTML_LINK):
            for match in pattern.finditer(_CODE.sub("", line)):
                target = next(group for group in match.groups() if group is not None)
                yield Link(document, number, target)


def fault_in_repository(link: Link) -> str | None:
    """Say what is wrong with a link to a file or heading of the repository; None where it leads there."""
    if link.target.startswith((*_LOCAL_HOSTS, "mailto:")):
        return None
    name, _, anchor = link.target.partition("#")
    target = (link.document.parent / unquote(name)).resolve() if name else link.document
    if not target.exists():
        return "there is no such file"
    if anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
        return "there is no such heading"
    return None


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings as GitHub makes them."""
    found: set[str] = set()
    for _, line in prose(text):
        if heading := _HEADING.match(line):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["title"]).lower()
            slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            number = 0
            while (anchor := f"{slug}-{number}" if number else slug) in found:
                number += 1
            found.add(anchor)
    return found


def fault_in_web(target: str) -> str | None:
    """Say that a page is gone, and None where it is there.

    Raises:
        ConnectionError: the page cannot be asked for from here.
    """
    try:
        response = urllib3.request(
            "GET", target, timeout=_SECONDS, retries=urllib3.Retry(2, redirect=5), preload_content=False
        )
        response.release_conn()
    except urllib3.exceptions.HTTPError as exc:
        raise ConnectionError(f"{type(exc).__name__}") from exc
    return f"status {response.status}" if response.status in _GONE else None
