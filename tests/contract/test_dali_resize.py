"""DALI's resize, which a GPU uses, gives the pixels of training but for one level and for the border."""

import numpy as np
import pytest

from tests.support.pictures import bottle
from training.dataset.preprocessing import resize
from training.dataset.specification import load_specification

dali = pytest.importorskip("nvidia.dali", reason="nvidia-dali is not installed: requirements/serve.txt has it")


def test_inner_pixels_differ_by_one_level_at_most() -> None:
    from nvidia.dali import fn, types

    pictures = [bottle(512, 384), bottle(233, 171), bottle(700, 1100)]
    size = load_specification().size
    pipeline = dali.Pipeline(batch_size=len(pictures), num_threads=1, device_id=None)
    with pipeline:
        images = fn.external_source(source=[[np.asarray(picture) for picture in pictures]])
        # As in model_repository/preprocess/1/dali.py.
        resized = fn.resize(
            images, size=[size, size], interp_type=types.INTERP_LINEAR, antialias=True, subpixel_scale=False
        )
        pipeline.set_outputs(resized)
    (found,) = pipeline.run()
    of_training = np.stack([resize(picture, size).numpy().transpose(1, 2, 0) for picture in pictures])
    differences = np.abs(np.asarray(found.as_array(), np.int16) - of_training)
    assert differences[:, 2:-2, 2:-2].max() <= 1
    assert differences.mean() < 0.3
