"""Memory and utilisation of the GPU while something runs, from nvidia-smi."""

import shutil
import subprocess
import threading
from statistics import fmean
from typing import Any, Self

_FIELDS = ("utilization.gpu", "memory.used", "power.draw")
_PERIOD_MS = 250


def gpu_name() -> dict[str, str] | None:
    """Return name, memory and driver of the first GPU; None where there is no driver."""
    if shutil.which("nvidia-smi") is None:
        return None
    fields = ("name", "memory.total", "driver_version")
    query = ["nvidia-smi", "--id=0", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        return None
    values = [value.strip() for value in done.stdout.splitlines()[0].split(",")]
    return dict(zip(("name", "memory", "driver"), values, strict=True))


class GpuWatch:
    """Samples the first GPU four times a second while the body runs; without a driver it does nothing."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._samples: list[list[float]] = []

    def __enter__(self) -> Self:
        if shutil.which("nvidia-smi") is not None:
            query = f"--query-gpu={','.join(_FIELDS)}"
            command = ["nvidia-smi", "--id=0", query, "--format=csv,noheader,nounits", f"--loop-ms={_PERIOD_MS}"]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self._thread = threading.Thread(target=self._read, name="gpu-watch")
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._thread.join()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                try:
                    self._samples.append([float(value) for value in line.split(",")])
                except ValueError:  # "[N/A]": a field that this GPU does not report
                    continue

    def result(self) -> dict[str, Any] | None:
        """Return means and peaks; None where nothing was seen."""
        if not self._samples:
            return None
        utilisation, memory, power = zip(*self._samples, strict=True)
        return {
            "utilisation_percent": round(fmean(utilisation)),
            "memory_mib": round(max(memory)),
            "power_w": round(fmean(power)),
        }
