"""The checker of the documents, and the documents' links into the repository."""

from pathlib import Path

import pytest

from scripts.docs_check.blocks import Block, Service, blocks_of, missing_program, run
from scripts.docs_check.documents import ROOT, documents
from scripts.docs_check.links import Link, anchors, fault_in_repository, fault_in_web, links_of
from tests.support.asgi_server import served
from tests.unit.gateway.fakes import FakeClassifier, application

TEXT = """# A title: with *signs* & `code`

See [one](other.md#a-title-with-signs--code), [two](missing.md) and <https://example.org/a_(b)>.
[three](https://example.org/page_(x) "title"), ![four](picture.png) and <a href="#a-title">five</a>.

    [not a link](in-code.md)

`[not a link](in-code.md)`

```sh
echo "[not a link](in-code.md)"
```

<!-- docs-check: skip: takes an hour -->
```python
print("never")
```

```mermaid
flowchart LR
```
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(TEXT)
    (tmp_path / "other.md").write_text(TEXT)
    return path


def test_links_are_found_outside_code(document: Path) -> None:
    found = [(link.line, link.target) for link in links_of(document)]
    assert found == [
        (3, "other.md#a-title-with-signs--code"),
        (3, "missing.md"),
        (3, "https://example.org/a_(b)"),
        (4, "https://example.org/page_(x)"),
        (4, "picture.png"),
        (4, "#a-title"),
    ]


def test_faults_in_the_repository_are_named(document: Path) -> None:
    faults = [fault_in_repository(link) for link in links_of(document) if not link.is_web]
    assert faults == [None, "there is no such file", "there is no such file", "there is no such heading"]


def test_anchors_of_equal_headings_are_numbered() -> None:
    assert anchors("# One\n## one\n# Ünd [two](x.md)\n    # code\n") == {"one", "one-1", "ünd-two"}


def test_pages_of_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(application(FakeClassifier())) as url:
        assert fault_in_web(f"{url}/docs") is None
        assert fault_in_web(f"{url}/nothing") == "status 404"
    with pytest.raises(ConnectionError):
        fault_in_web(url)


def test_blocks_with_the_reason_to_skip_them(document: Path) -> None:
    blocks = list(blocks_of(document))
    assert [(block.line, block.language, block.skip) for block in blocks] == [
        (10, "sh", None),
        (15, "python", "takes an hour"),
    ]
    assert blocks[0].code == 'echo "[not a link](in-code.md)"\n'


def block(language: str, code: str) -> Block:
    return Block(ROOT / "README.md", 1, language, code, None)


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("sh", 'test "localhost:8001" = 127.0.0.1:2 && echo localhost:8080'),
        ("python", 'print("localhost:8080")'),
        ("js", 'console.log("localhost:8080")'),
    ],
)
def test_blocks_run_against_the_service(language: str, code: str) -> None:
    if missing := missing_program(block(language, code)):
        pytest.skip(f"{missing} is missing")
    result = run(block(language, code), Service("127.0.0.1:1", "127.0.0.1:2"))
    assert (result.returncode, result.stdout) == (0, "127.0.0.1:1\n"), result.stderr


@pytest.mark.parametrize(
    ("language", "code"), [("sh", "false | true"), ("sh", "echo $nothing"), ("python", "raise SystemExit(3)")]
)
def test_blocks_that_fail_are_told_from_those_that_run(language: str, code: str) -> None:
    assert run(block(language, code), Service("", "")).returncode != 0


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing_program(block("sh", "perf_analyzer -m raw")) == "perf_analyzer"
    assert missing_program(block("sh", "echo perf")) is None


LINKS = [link for path in documents() for link in links_of(path) if not link.is_web]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{link.document.relative_to(ROOT)}:{link.line}:{link.target}")
def test_links_of_the_documents_into_the_repository(link: Link) -> None:
    assert fault_in_repository(link) is None
