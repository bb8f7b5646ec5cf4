"""What the Dockerfile promises, and what goes into the build context."""

import os
import re
import subprocess
from pathlib import Path
from unittest.mock import create_autospec, patch

import pytest

from embedded_triton.install.arguments import GPU_POOL_BYTES, RESTRICTED, build_arguments
from embedded_triton.install.plain_paths import PlainPaths
from embedded_triton.settings import Settings
from tests.unit.deploy.rendering import ROOT
from tests.unit.deploy.tools import require
from training.export.torchscript import ensure_exported

DOCKERFILE = ROOT / "scripts/images/Dockerfile"
FINAL = ("gateway", "triton-cpu", "triton-gpu", "jupyter")


def stages() -> dict[str, str]:
    """The text of each stage by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)\n", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_hadolint_is_content() -> None:
    result = subprocess.run([require("hadolint"), DOCKERFILE], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("target", FINAL)
def test_it_runs_as_nobody_in_particular_and_says_how_it_is(target: str) -> None:
    stage = stages()[target]
    assert re.search(r"^USER 1000:1000$", stage, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", stage, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["', stage, re.MULTILINE)
    for label in ("title", "description", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in stage


@pytest.mark.parametrize("target", FINAL)
def test_only_builder_stages_install(target: str) -> None:
    assert not re.search(r"^RUN ", stages()[target], re.MULTILINE)


def test_everything_installed_is_locked() -> None:
    """Debian's packages aside, whose archive keeps only the newest version."""
    for name, stage in stages().items():
        for command in re.findall(r"^RUN ((?:.*\\\n)*.*)$", stage, re.MULTILINE):
            assert "pip install" not in command, name
            if "environment.py" in command:
                assert re.search(r"environment\.py (gateway|serve|jupyter) ", command)
                assert "gateway" in command or "--torch cpu" in command


def test_base_images_are_named_once_and_with_a_version() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    outside = re.findall(r"^FROM (\S*[:$]\S*) AS", text, re.MULTILINE)
    assert outside == ["${BASE_IMAGE}", "nvcr.io/nvidia/tritonserver:${TRITON_RELEASE}-py3"]
    assert ":latest" not in text


def test_what_is_copied_can_be_read_whatever_the_checkouts_umask() -> None:
    copies = re.findall(r"^COPY (\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(copies) > 10
    assert {each for each in copies if not each.startswith("--from=")} == {"--chmod=755"}


@pytest.mark.parametrize(
    ("driver", "refused"), [("570.172.08", True), ("580.65.06", False), ("1000.1", False), ("", False)]
)
def test_an_old_driver_is_said_by_the_containers_first_line(tmp_path: Path, driver: str, refused: bool) -> None:
    """Without an answer of nvidia-smi, Triton itself has to find out."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{f'echo {driver}' if driver else 'exit 9'}\n", encoding="utf-8")
    tool.chmod(0o755)
    result = subprocess.run(
        ["bash", ROOT / "scripts/images/triton-gpu.sh"],
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode == 1 and f"driver is {driver};" in result.stderr) == refused, result.stderr
    # Past the check it ends for want of a server, which is in NVIDIA's image only.
    assert ("/opt/tritonserver/bin/tritonserver" in result.stderr) != refused


def test_nvidias_server_gets_the_flags_that_the_embedded_one_gets() -> None:
    script = (ROOT / "scripts/images/triton-gpu.sh").read_text(encoding="utf-8")
    embedded = build_arguments(
        ROOT,
        Settings(grpc_max_connection_age=30),
        PlainPaths(ROOT, ROOT, ()),
        address="0.0.0.0",
        shared_memory_prefix="x-",
        gpus=1,
        profile=None,
    )
    assert f'restricted="{",".join(RESTRICTED)}:restricted=$(</proc/sys/kernel/random/uuid)"' in script
    shared = ["--disable-auto-complete-config", "--grpc-max-connection-age=30000", "--log-format=ISO8601"]
    for flag in (*shared, f"--cuda-memory-pool-byte-size=0:{GPU_POOL_BYTES}"):
        assert flag in embedded
        assert flag in script
    for flag in ("--http-restricted-api=", "--grpc-restricted-protocol="):
        assert f'{flag}"$restricted"' in script


def test_what_a_build_calls_is_there() -> None:
    calls = re.findall(r'^RUN python -c "(.+)"$', DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(calls) == 2
    for call in calls:
        found: dict[str, object] = {}
        with patch("training.export.torchscript.ensure_exported", create_autospec(ensure_exported)) as export:
            exec(call, found)
        export.assert_called_once()


def test_the_build_context_is_small_and_holds_what_is_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copies = r"^COPY --chmod=755 (.+) \S+$"
    for sources in re.findall(copies, DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert {source, *(str(parent) for parent in (ROOT / source).relative_to(ROOT).parents)} & allowed, source
    # Networks are exported while the image is built; what lies about here may be of other weights.
    assert "model_repository/*/*/model*.pt" in rules
