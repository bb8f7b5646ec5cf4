"""``python -m scripts.readme_answer``: ask a running service about a drawing and write its answer into the README."""

import argparse
import datetime
import sys
from pathlib import Path

import httpx

from scripts.sections import put_section

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = "scripts/samples/drawn_can.webp"
_SURE = """\
That is the real answer about a drawing of a can ({date}): a drawing shows that the service answers, a photo
shows how well."""
_NOT_SURE = """\
That is the real answer about a drawing of a can ({date}), and its header `X-Confidence: low` says that the
model is not sure: a drawing shows that the service answers, a photo shows how well."""


def ask(url: str) -> httpx.Response:
    """Ask `raw` as the README's curl does. Raises httpx.HTTPError where no answer comes."""
    content = (ROOT / SAMPLE).read_bytes()
    answer = httpx.post(f"{url}/raw/predict", files={"file": ("drawn_can.webp", content, "image/webp")}, timeout=30)
    return answer.raise_for_status()


def render(answer: httpx.Response, date: datetime.date) -> str:
    """The command, the body as it came but for one line break, and what to think of it."""
    words = answer.text.split(",")
    middle = len(words) // 2 + 1
    body = ",".join(words[:middle]) + ",\n     " + ",".join(words[middle:])
    sentence = _NOT_SURE if answer.headers.get("X-Confidence") == "low" else _SURE
    return f"""\
    curl -X POST http://localhost:8080/raw/predict -H 'accept: application/json' \\
      -F 'file=@{SAMPLE};type=image/webp'

    {body}

{sentence.format(date=date.isoformat())}"""


def main(arguments: list[str] | None = None) -> int:
    """Write the answer between the README's markers; return 1 with a sentence where that is not possible."""
    parser = argparse.ArgumentParser(prog="python -m scripts.readme_answer", description=__doc__)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parsed = parser.parse_args(arguments)
    try:
        content = render(ask(parsed.url), datetime.datetime.now(datetime.UTC).date())
        text = put_section(parsed.readme.read_text(encoding="utf-8"), "answer", content)
    except (httpx.HTTPError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    parsed.readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
