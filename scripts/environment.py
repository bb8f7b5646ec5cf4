#!/usr/bin/env python3
"""Makes the virtual environment of `make run` or `make test` from the locked, hash-checked requirements.

Runs on the system's Python with nothing but the standard library. A second call with everything in place does nothing
and needs no network. Where there is no NVIDIA driver, PyTorch comes from PyTorch's own CPU index, without the CUDA
libraries; where that index cannot be reached, from the default one. ``--torch cuda`` and ``--torch cpu`` decide it
otherwise. PYTORCH_CPU_INDEX=… names another index, or a folder with the wheels.
"""

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUPPORTED = ((3, 11), (3, 12), (3, 13))
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
#: Seconds in which that index has to answer, names looked up too.
INDEX_SECONDS = 5.0
#: What an NVIDIA driver brings: on Linux, and on Windows' Linux.
DRIVER = (Path("/proc/driver/nvidia"), Path("/dev/nvidiactl"), Path("/usr/lib/wsl/lib/libcuda.so.1"))
#: Lock files in the order in which each holds the one before it, and about how much each downloads, in MB (measured on
#: 2026-11-23 as the sum of the wheels, for bench estimated): with PyTorch's CUDA build, and with its CPU build.
PROFILES = {
    "gateway": (56, 56),
    "serve": (3131, 593),
    "dev": (3382, 837),
    "jupyter": (3412, 867),
    "bench": (3435, 890),
    "tensorflow": (3688, 1143),
}
#: Each of these holds the ones before it; the profiles after them hold these, and not one another.
CHAIN = ("gateway", "serve", "dev")


def fail(sentence: str) -> None:
    """End with a sentence that says what to do."""
    sys.exit(f"error: {sentence}")


def check_machine() -> None:
    """Refuse a machine on which the wheels cannot work."""
    if sys.version_info[:2] not in SUPPORTED:
        versions = ", ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
        fail(f"this is Python {platform.python_version()}; Python {versions} is needed: say make … PYTHON=python3.12")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        fail(f"the server's wheel is made for Linux on x86-64, and this is {platform.system()} on {platform.machine()}")
    name, version = platform.libc_ver()
    if name == "glibc" and tuple(int(part) for part in version.split(".")[:2]) < (2, 35):
        fail(f"the server's wheel needs glibc 2.35 or newer (Ubuntu 22.04, Debian 12); this machine has {version}")


def cpu_index() -> str:
    """Return the index, or the folder, that PyTorch's CPU build comes from."""
    return os.environ.get("PYTORCH_CPU_INDEX") or PYTORCH_CPU_INDEX


def has_driver() -> bool:
    """Say whether this machine has an NVIDIA driver."""
    return any(path.exists() for path in DRIVER) or shutil.which("nvidia-smi") is not None


def answers(index: str, seconds: float = INDEX_SECONDS) -> bool:
    """Say whether an index, or a folder of wheels, can be read within so many seconds."""
    if "://" not in index:
        return Path(index).is_dir()
    answered: list[int] = []

    def ask() -> None:
        url = f"{index.rstrip('/')}/torch/"
        with (
            contextlib.suppress(OSError, http.client.HTTPException, ValueError),
            urllib.request.urlopen(url, timeout=seconds) as answer,  # noqa: S310 - the user's own setting
        ):
            answered.append(answer.status)

    # In a thread, as no timeout holds for looking up a name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(answered)


def choose_torch(profile: str) -> str:
    """Return the build of PyTorch for this machine, ``cuda`` or ``cpu``, with a line on what it costs."""
    if profile == "gateway":  # has no PyTorch
        return "cuda"
    saved = PROFILES[profile][0] - PROFILES[profile][1]
    if has_driver():
        print(f"(Most of it is PyTorch's CUDA build; TORCH=cpu takes the CPU build: {saved} MB less.)", flush=True)
        return "cuda"
    if answers(cpu_index()):
        print("(No NVIDIA driver: PyTorch's CPU build; TORCH=cuda takes the other.)", flush=True)
        return "cpu"
    tell_fallback(saved)
    return "cuda"


def tell_fallback(megabytes: int) -> None:
    """Say why the large build is taken though there is no GPU."""
    print(
        f"(PyTorch's index {cpu_index()} cannot be reached: its CUDA build comes from the default index, {megabytes} "
        "MB more. TORCH=cpu insists, PYTORCH_CPU_INDEX=… names another index.)",
        flush=True,
    )


def without_cuda(lock: str) -> str:
    """Return a lock without torch, torchvision, and the CUDA libraries that only they asked for."""
    blocks = re.split(r"\n(?=[a-z0-9])", lock)
    parents: dict[str, set[str]] = {}
    for block in blocks[1:]:
        name = re.split(r"[=\s]", block, maxsplit=1)[0]
        parents.setdefault(name, set()).update(re.findall(r"^    #\s+(?:via )?([a-z0-9][\w.-]*)", block, re.MULTILINE))
    dropped = {"torch", "torchvision"}
    while True:
        more = {
            name
            for name, via in parents.items()
            if name.startswith(("nvidia-", "cuda-", "triton")) and via - {"via"} and via - {"via"} <= dropped
        }
        if more <= dropped:
            break
        dropped |= more
    return "\n".join([blocks[0], *(b for b in blocks[1:] if re.split(r"[=\s]", b, maxsplit=1)[0] not in dropped)])


def pinned(lock: str, name: str) -> str | None:
    """Return ``name==version`` as the lock has it, or None where the lock does not hold it."""
    found = re.search(rf"^{name}==[^\s;\\]+", lock, re.MULTILINE)
    return found.group(0) if found else None


def make_venv(folder: Path) -> None:
    """Make the virtual environment and put the pinned uv into it."""
    if not (folder / "bin" / "python").exists():
        try:
            venv.create(folder, with_pip=True, clear=folder.exists())
        except subprocess.CalledProcessError:
            shutil.rmtree(folder, ignore_errors=True)
            fail("this Python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv")
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--require-hashes", "-r", str(ROOT / "requirements" / "uv.txt")], check=True)


def run_uv(command: list[str]) -> None:
    """Run uv, and pass on what it says but for its list of a hundred installed packages."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if not line.startswith((" + ", " - ", " ~ ", "Using Python ")):
                print(f"  {line.strip()}", file=sys.stderr, flush=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def install(folder: Path, lock: str, torch: str) -> None:
    """Install the lock, and the project itself as an editable package."""
    uv = [str(folder / "bin" / "uv"), "pip", "install", "--python", str(folder / "bin" / "python"), "--no-deps"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(without_cuda(lock) if torch == "cpu" else lock)
        file.flush()
        run_uv([*uv, "--require-hashes", "-r", file.name])
    if torch == "cpu":
        names = [name for name in (pinned(lock, "torch"), pinned(lock, "torchvision")) if name]
        index = cpu_index()
        source = ["--no-index", "--find-links", index] if Path(index).is_dir() else ["--default-index", index]
        run_uv([*uv, *source, "--reinstall", *names])
    run_uv([*uv, "--quiet", "--no-build-isolation", "--editable", str(ROOT)])


def install_or_fall_back(folder: Path, lock: str, torch: str, megabytes: int | None) -> str:
    """Install, and where the CPU build was only chosen by itself and cannot be had, the other one.

    Args:
        folder: the virtual environment.
        lock: the requirements.
        torch: the build of PyTorch.
        megabytes: what the other build downloads more; None where somebody asked for this one.

    Returns:
        The build that was installed.
    """
    try:
        install(folder, lock, torch)
    except subprocess.CalledProcessError:
        if torch != "cpu" or megabytes is None:
            raise
        tell_fallback(megabytes)
        torch = "cuda"
        install(folder, lock, torch)
    return torch


def main() -> None:
    """Make the environment, or find that it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile", choices=PROFILES)
    parser.add_argument(
        "--torch", choices=("cuda", "cpu"), help="by default what is there already, else what fits this machine"
    )
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    arguments = parser.parse_args()
    stamp_file = arguments.venv / "bin-it-right.json"
    try:
        stamp = json.loads(stamp_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        stamp = {"torch": None, "locks": {}}
    torch = arguments.torch or stamp["torch"]
    path = ROOT / "requirements" / f"{arguments.profile}.txt"
    lock = path.read_text(encoding="utf-8")
    digest = hashlib.sha256(lock.encode()).hexdigest()
    if stamp["torch"] == torch and stamp["locks"].get(arguments.profile) == digest:
        return
    check_machine()
    chosen = torch is None
    torch = torch or choose_torch(arguments.profile)
    most, least = PROFILES[arguments.profile]
    size = least if torch == "cpu" else most
    print(f"Making {arguments.venv} for {arguments.profile}: downloads up to about {size} MB, once.", flush=True)
    stamp_file.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        make_venv(arguments.venv)
        torch = install_or_fall_back(arguments.venv, lock, torch, most - least if chosen else None)
    except subprocess.CalledProcessError as exc:
        fail(f"{Path(exc.cmd[0]).name} failed, see above; run the same command again once that is mended")
    except KeyboardInterrupt:
        fail("interrupted; run the same command again, it goes on where it was")
    # A larger profile holds the smaller ones: the locks share their versions.
    names = [*(CHAIN[: CHAIN.index(arguments.profile)] if arguments.profile in CHAIN else CHAIN), arguments.profile]
    if stamp["torch"] != torch:
        stamp["locks"] = {}
    for name in names:
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        stamp["locks"][name] = hashlib.sha256(text.encode()).hexdigest()
    stamp_file.write_text(json.dumps({"torch": torch, "locks": stamp["locks"]}), encoding="utf-8")
    print(f"  Install  {time.monotonic() - began:5.1f} s  everything is in {arguments.venv}", flush=True)


if __name__ == "__main__":
    main()
