"""``bin-it-right dev readme-answer``: ask a running service about a rendering and write its answer into the README."""

import argparse
import datetime as dt
import sys
from pathlib import Path

import httpx2

from scripts.sections import put_section

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = "gateway/web/rendered_plastic.webp"
_SURE = "This is the answer of {date} about a bundled rendering of a plastic bottle."
_NOT_SURE = """\
This is the answer of {date} about a bundled rendering of a plastic bottle. The header
`X-Confidence: low` says that the model is not sure."""


def ask(url: str) -> httpx2.Response:
    """Ask `raw` as the README's curl does. Raises httpx2.HTTPError where no answer comes."""
    answer = httpx2.post(f"{url}/raw/predict", files={"file": (ROOT / SAMPLE).read_bytes()}, timeout=30)
    return answer.raise_for_status()


def render(answer: httpx2.Response, date: dt.date) -> str:
    """Return the command, the body as it came but for one line break, and what to think of it."""
    words = answer.text.split(",")
    middle = len(words) // 2 + 1
    body = ",".join(words[:middle]) + ",\n " + ",".join(words[middle:])
    sentence = _NOT_SURE if answer.headers.get("X-Confidence") == "low" else _SURE
    return f"""\
```console
$ curl -X POST http://localhost:8080/raw/predict -F 'file=@{SAMPLE}'
{body}
```

{sentence.format(date=date.isoformat())}"""


def main(arguments: list[str] | None = None) -> int:
    """Write the answer between the README's markers; return 1 with a sentence where that is not possible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parsed = parser.parse_args(arguments)
    try:
        content = render(ask(parsed.url), dt.datetime.now(dt.UTC).date())
        text = put_section(parsed.readme.read_text(encoding="utf-8"), "answer", content)
    except (httpx2.HTTPError, ValueError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    parsed.readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
