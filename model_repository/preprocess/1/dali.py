"""Preprocessing in DALI: the bytes of an image file to the pixels that the networks take.

Triton's native DALI backend serialises the pipeline of this file by itself; the embedded server's backend builds it.
Everything a pipeline decides stands in ``spec.json`` beside this file, which training reads too.
"""

import json
import os
from pathlib import Path
from typing import Any

from nvidia.dali import Pipeline, backend, fn, pipeline_def, types
from nvidia.dali.plugin.triton import autoserialize

SPECIFICATION = json.loads(Path(__file__).with_name("spec.json").read_text(encoding="utf-8"))
HAS_GPU = backend.GetCUDADeviceCount() > 0
THREADS = min(4, len(os.sched_getaffinity(0)))


OPTIONS = {"batch_size": 16, "num_threads": THREADS, "device_id": 0 if HAS_GPU else None, "prefetch_queue_depth": 1}


def decoded() -> Any:
    """Decode, and turn by the EXIF orientation: UINT8 [bytes] to UINT8 [height, width, 3]."""
    encoded = fn.external_source(name="IMAGE", device="cpu", ndim=1, dtype=types.UINT8)
    return fn.decoders.image(
        encoded,
        # JPEG on the GPU. What nvJPEG does not take (PNG, WebP, BMP, TIFF, odd JPEG) goes to the host, one by one.
        # The device that the pipeline is built for decides: an instance may be kept off the GPU of its machine.
        device="cpu" if Pipeline.current().device_id is None else "mixed",
        output_type=types.RGB,
        adjust_orientation=True,
        jpeg_fancy_upsampling=True,
        # Several instances would tie their threads to the same few cores.
        affine=False,
    )


@autoserialize
@pipeline_def(**OPTIONS)
def preprocess() -> Any:
    """Decode, turn, resize without a crop: UINT8 [bytes] to UINT8 [3, size, size]. The networks normalise.

    Antialiased linear interpolation without subpixel scaling, rounded to UINT8, and JPEG's fancy upsampling give the
    pixels that the networks were trained on, but for a level here and there and for the border.
    """
    size = SPECIFICATION["size"]
    resized = fn.resize(
        decoded(), size=[size, size], interp_type=types.INTERP_LINEAR, antialias=True, subpixel_scale=False
    )
    return fn.transpose(resized, perm=[2, 0, 1])


@pipeline_def(**OPTIONS)
def decode() -> Any:
    """Decode without the resize: on a CPU the embedded server resizes itself, by the function of training."""
    return decoded()
