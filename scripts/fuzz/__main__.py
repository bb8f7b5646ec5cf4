"""Fuzzes the decoders or the multipart reader.

    bin-it-right dev fuzz decoders|multipart --seconds N [--folder build/fuzz]
    bin-it-right dev fuzz decoders|multipart --replay FILE ...

It draws its own corpus and goes on after a finding. The first input of each kind of finding is written to
``FOLDER/NAME/findings``, with its traceback beside it. What libFuzzer stops at (a crash, five minutes without an
answer, 4 GB of memory) is written to ``FOLDER/NAME/stopped``, and it starts again. Ends with 1 where it found anything.
"""

import argparse
import hashlib
import importlib
import json
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType

import atheris

_STOPPED = ("-timeout=300", "-report_slow_units=300", "-rss_limit_mb=4096")


class Fuzzer:
    """Calls a target, and keeps the first input of each kind of finding."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self._module = module
        self._findings = folder / "findings"
        self._target = module.Target()

    def __call__(self, data: bytes) -> None:
        """Check one input."""
        try:
            self.check(data)
        except Exception as exc:
            found = traceback.extract_tb(exc.__traceback__)[-1]
            kind = f"{type(exc).__name__} {Path(found.filename).name}:{found.lineno} {re.sub(r'[0-9]+', 'N', str(exc))}"
            path = self._findings / hashlib.sha256(kind.encode()).hexdigest()[:16]
            if not path.exists():
                path.with_suffix(".txt").write_text("".join(traceback.format_exception(exc)), encoding="utf-8")
                path.write_bytes(data)
                print(f"Found: {kind[:300]} ({path})", file=sys.stderr, flush=True)

    def check(self, data: bytes) -> None:
        """Check one input, and raise what is found."""
        self._target(data)

    def mutate(self, data: bytes, most: int, seed: int) -> bytes:
        """Mutate an input, by libFuzzer and by the target."""
        mutated: bytes = self._module.mutate(data, atheris.Mutate(data, most), seed)
        return mutated[:most]


def _fuzz(module: ModuleType, folder: Path, seconds: int) -> None:
    """Fuzz in this process, which libFuzzer ends."""
    fuzzer = Fuzzer(module, folder)
    options = [f"-max_total_time={seconds}", f"-max_len={module.MAX_BYTES}", f"-artifact_prefix={folder}/stopped/"]
    atheris.Setup(
        [sys.argv[0], *options, *_STOPPED, "-print_final_stats=1", str(folder / "corpus")],
        fuzzer,
        custom_mutator=fuzzer.mutate,
    )
    atheris.Fuzz()


def _supervise(name: str, folder: Path, seconds: int) -> int:
    """Fuzz in child processes until the time is over; return how many findings there are."""
    for each in ("corpus", "findings", "stopped"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    executions = 0
    while (left := int(end - time.monotonic())) > 0:
        command = [sys.executable, "-m", "scripts.fuzz", name, "--folder", str(folder.parent), "--child", str(left)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as child:
            assert child.stderr is not None
            counted = 0
            for line in child.stderr:
                if number := re.match(r"#(\d+)\t|stat::number_of_executed_units:\s+(\d+)", line):
                    counted = int(number[1] or number[2])
                if not re.match(r"#\d+\t(NEW|REDUCE)", line):
                    sys.stderr.write(line)
        executions += counted
    found = sorted(
        path.name for each in ("findings", "stopped") for path in (folder / each).iterdir() if not path.suffix
    )
    print(json.dumps({"fuzz": name, "seconds": seconds, "executions": executions, "found": found}))
    return len(found)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=("decoders", "multipart"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="corpus and findings are kept there")
    parser.add_argument("--replay", type=Path, nargs="+", help="files to check once more, one after the other")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.folder / given.target
    if given.child is None and not given.replay:
        sys.exit(1 if _supervise(given.target, folder, given.seconds) else 0)
    with atheris.instrument_imports(include=["gateway", "imaging", "embedded_triton", "PIL"]):
        module = importlib.import_module(f"scripts.fuzz.{given.target}")
    if given.child is not None:
        for seed in module.seeds():
            (folder / "corpus" / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        _fuzz(module, folder, given.child)
    fuzzer, failed = Fuzzer(module, folder), 0
    for path in given.replay:
        print(path, flush=True)
        try:
            fuzzer.check(path.read_bytes())
        except Exception:
            traceback.print_exc()
            failed += 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
