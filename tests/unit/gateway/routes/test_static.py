"""The page at /: which files, under which policy, and that nothing in them needs another host or an inline script."""

import re
from importlib.resources import files

import httpx
import pytest

from gateway.routes.static import page_router
from tests.unit.gateway.fakes import FakeClassifier, application, client_of

FILES = [entry for entry in files("gateway.web").iterdir() if entry.is_file() and not entry.name.endswith(".py")]
PATHS = sorted(route.path for route in page_router().routes)  # type: ignore[attr-defined]


def test_every_file_is_served_and_all_of_them_are_small() -> None:
    assert {f"/web/{entry.name}" for entry in FILES} - {"/web/index.html"} | {"/"} == set(PATHS)
    assert sum(len(entry.read_bytes()) for entry in FILES) < 60_000


@pytest.mark.parametrize("path", PATHS)
async def test_files_come_with_type_and_policy_and_need_no_key(path: str, classifier: FakeClassifier) -> None:
    async with client_of(application(classifier, api_keys="secret")) as client:
        response = await client.get(path)
        assert response.status_code == 200
        again = await client.get(path, headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "webp": "image/webp", "/": "text/html"}
    assert response.headers["content-type"].startswith(kinds[path.rpartition(".")[2]])
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy


def test_nothing_points_to_another_host_or_is_inline() -> None:
    texts = {entry.name: entry.read_text() for entry in FILES if not entry.name.endswith(".webp")}
    for name, text in texts.items():
        hosts = set(re.findall(r"https?://([^/\"' ]+)", text)) - {"www.w3.org"}
        assert not hosts, name
    page = texts["index.html"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page)
    named = set(re.findall(r'(?:src|href|value)="(/[^"]*)"', page))
    assert named <= {*PATHS, "/docs"}


async def test_page_names_no_path_that_does_not_exist(client: httpx.AsyncClient) -> None:
    imported = {
        f"/web/{name}"
        for entry in FILES
        if entry.name.endswith(".js")
        for name in re.findall(r'from "./([^"]+)"', entry.read_text())
    }
    assert imported
    for path in imported:
        assert (await client.get(path)).status_code == 200
