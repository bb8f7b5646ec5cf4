"""The pages at / and /docs: which files, under which policy, and that nothing in them needs another host."""

import re
from importlib.resources import files
from urllib.parse import urljoin

import httpx
import pytest

from gateway.routes.static import static_router
from tests.unit.gateway.fakes import FakeClassifier, application, client_of

FILES = [entry for entry in files("gateway.web").iterdir() if entry.is_file() and not entry.name.endswith(".py")]
PATHS = sorted(route.path for route in static_router().routes)  # type: ignore[attr-defined]


def test_every_file_is_served_and_all_of_them_are_small() -> None:
    own = {path for path in PATHS if "/swagger-ui" not in path}
    pages = {"index.html": "/", "docs.html": "/docs"}
    assert {pages.get(entry.name, f"/web/{entry.name}") for entry in FILES} == own
    page = [entry for entry in FILES if not entry.name.endswith((".webp", ".png", ".svg")) and "docs" not in entry.name]
    sizes = {entry.name: len(entry.read_bytes()) for entry in page}
    languages = [sizes.pop(name) for name in list(sizes) if re.fullmatch(r"words\...\.js", name)]
    assert len(languages) == 3
    assert sum(sizes.values()) + max(languages) < 80_000  # a visitor fetches one of them


@pytest.mark.parametrize("path", PATHS)
async def test_files_come_with_type_and_policy_and_need_no_key(path: str, classifier: FakeClassifier) -> None:
    async with client_of(application(classifier, api_keys="secret")) as client:
        response = await client.get(path)
        assert response.status_code == 200
        again = await client.get(path, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    kinds = {
        "js": "text/javascript",
        "css": "text/css",
        "svg": "image/svg+xml",
        "webp": "image/webp",
        "png": "image/png",
        "webmanifest": "application/manifest+json",
        "/": "text/html",
    }
    assert response.headers["content-type"].startswith(kinds[path.rpartition(".")[2].replace("/docs", "/")])
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert ("'unsafe-inline'" in policy) == (path == "/docs")  # Swagger UI sets styles from its script


def test_nothing_points_to_another_host_or_is_inline() -> None:
    texts = {entry.name: entry.read_text() for entry in FILES if not entry.name.endswith((".webp", ".png"))}
    for name, text in texts.items():
        hosts = set(re.findall(r"https?://([^/\"' ]+)", text)) - {"www.w3.org"}
        assert not hosts, name
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text), name


@pytest.mark.parametrize("page", ["/", "/docs"])
@pytest.mark.parametrize("prefix", ["", "/bins", "/a/b"])
async def test_every_address_is_relative_and_exists_behind_a_sub_path(
    client: httpx.AsyncClient, prefix: str, page: str
) -> None:
    """A proxy that serves the gateway under /bins/ takes the prefix away; an absolute address would miss it."""
    text = (await client.get(page)).text
    named = set(re.findall(r'\s(?:src|href|value)="([^"]+)"', text))
    assert len(named) > 3
    for address in named:
        assert not address.startswith("/"), address
        resolved = urljoin(f"http://host{prefix}{page}", address).removeprefix(f"http://host{prefix}")
        assert (await client.get(resolved)).status_code == 200, address


def test_scripts_ask_relative_addresses() -> None:
    texts = {entry.name: entry.read_text() for entry in FILES if entry.name.endswith(".js")}
    asked = [name for text in texts.values() for name in re.findall(r"(?:request|fetch)\([`\"]([^`\"]+)", text)]
    assert {"models", "${model}/predict"} <= set(asked)
    assert not [name for name in asked if name.startswith("/")]
    assert 'url: "openapi.json"' in texts["docs.js"]


async def test_document_names_a_server_relative_to_itself(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["servers"] == [{"url": "."}]


async def test_scripts_import_no_path_that_does_not_exist(client: httpx.AsyncClient) -> None:
    imported = {
        f"/web/{name}"
        for entry in FILES
        if entry.name.endswith(".js")
        for name in re.findall(r'from "./([^"]+)"', entry.read_text())
    }
    assert imported
    for path in imported:
        assert (await client.get(path)).status_code == 200
