"""Preprocessing in DALI: the bytes of an image file to the normalised tensor that the networks take.

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


@autoserialize
@pipeline_def(batch_size=16, num_threads=THREADS, device_id=0 if HAS_GPU else None, prefetch_queue_depth=1)
def preprocess() -> Any:
    """Decode, turn by the EXIF orientation, resize without a crop, normalise: UINT8 [bytes] to FP32 [3, size, size].

    Antialiased linear interpolation without subpixel scaling, rounded to UINT8, and JPEG's fancy upsampling give the
    pixels of Pillow and torchvision, which the networks were trained on.
    """
    size = SPECIFICATION["size"]
    # The device that the pipeline is built for decides: an instance may be kept off the GPU of its machine.
    on_gpu = Pipeline.current().device_id is not None
    encoded = fn.external_source(name="IMAGE", device="cpu", ndim=1, dtype=types.UINT8)
    image = fn.decoders.image(
        encoded,
        # JPEG on the GPU. What nvJPEG does not take (PNG, WebP, BMP, TIFF, odd JPEG) goes to the host, one by one.
        device="mixed" if on_gpu else "cpu",
        output_type=types.RGB,
        adjust_orientation=True,
        jpeg_fancy_upsampling=True,
        # Several instances would tie their threads to the same few cores.
        affine=False,
    )
    resized = fn.resize(image, size=[size, size], interp_type=types.INTERP_LINEAR, antialias=True, subpixel_scale=False)
    return fn.crop_mirror_normalize(
        resized,
        dtype=types.FLOAT,
        output_layout="CHW",
        mean=[255 * value for value in SPECIFICATION["mean"]],
        std=[255 * value for value in SPECIFICATION["std"]],
    )
