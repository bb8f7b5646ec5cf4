"""The two networks in Keras, layer by layer those of ``training.models``.

A layer has the name of its PyTorch module, so that the conversion needs no table. Where Keras would do otherwise, it is
told to do as PyTorch does: the same padding on all sides (its own ``same`` with a stride of two pads more at the end),
and epsilon and momentum of the batch normalisation.
"""

from typing import Any

import keras

from training.models import raw_cnn, resnet50

#: Keras weighs what was, PyTorch (0.1) what is new.
_MOMENTUM, _EPSILON = 0.9, 1e-5


def build_keras(model_type: str, classes: int, dtype: str = "float32") -> keras.Model:
    """Build a network that maps FP32 [N, H, W, 3] to logits [N, classes].

    Args:
        model_type: ``raw`` or ``pretrained``.
        classes: the number of outputs.
        dtype: what Keras calls a policy: ``float32`` or ``mixed_bfloat16``.
    """
    images = keras.Input((None, None, 3))
    layers = _Layers(dtype)
    features = layers.raw_cnn(images) if model_type == "raw" else layers.resnet50(images)
    pooled = keras.layers.GlobalAveragePooling2D(data_format="channels_last", dtype=dtype)(features)
    return keras.Model(images, keras.layers.Dense(classes, name="fc", dtype=dtype)(pooled), name=model_type)


class _Layers:
    """Parts of the networks, in one precision; every method takes and returns Keras's symbolic tensors."""

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype

    def raw_cnn(self, images: Any) -> Any:
        out = self._convolution(images, raw_cnn.STEM, 3, ("features.0.0", "features.0.1"), stride=2)
        number = 1
        for width, blocks in raw_cnn.STAGES:
            out = self._convolution(out, width, 3, (f"features.{number}.0", f"features.{number}.1"), stride=2)
            for block in range(number + 1, number + 1 + blocks):
                name = f"features.{block}"
                inner = self._convolution(out, width, 3, (f"{name}.first.0", f"{name}.first.1"))
                inner = self._convolution(inner, width, 3, (f"{name}.second.0", f"{name}.second.1"), relu=False)
                out = self._relu(self._add(out, inner))
            number += 1 + blocks
        return out

    def resnet50(self, images: Any) -> Any:
        out = self._convolution(images, 64, 7, ("conv1", "bn1"), stride=2)
        # PyTorch pads with minus infinity; after a ReLU nothing is below zero.
        out = self._padded(out, 1)
        out = keras.layers.MaxPooling2D(3, strides=2, data_format="channels_last", dtype=self._dtype)(out)
        for number, (width, blocks, stride) in enumerate(resnet50.LAYERS, start=1):
            for block in range(blocks):
                out = self._bottleneck(out, width, f"layer{number}.{block}", stride if block == 0 else 1)
        return out

    def _bottleneck(self, features: Any, width: int, name: str, stride: int) -> Any:
        outputs = width * resnet50.EXPANSION
        shortcut = features
        if stride != 1 or features.shape[-1] != outputs:
            names = f"{name}.downsample.0", f"{name}.downsample.1"
            shortcut = self._convolution(features, outputs, 1, names, stride=stride, relu=False)
        out = self._convolution(features, width, 1, (f"{name}.conv1", f"{name}.bn1"))
        out = self._convolution(out, width, 3, (f"{name}.conv2", f"{name}.bn2"), stride=stride)
        out = self._convolution(out, outputs, 1, (f"{name}.conv3", f"{name}.bn3"), relu=False)
        return self._relu(self._add(out, shortcut))

    def _convolution(
        self, features: Any, filters: int, size: int, names: tuple[str, str], stride: int = 1, relu: bool = True
    ) -> Any:
        padding = "same"
        if stride > 1:
            features, padding = self._padded(features, size // 2), "valid"
        out = keras.layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding=padding,
            data_format="channels_last",
            use_bias=False,
            name=names[0],
            dtype=self._dtype,
        )(features)
        out = keras.layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=names[1], dtype=self._dtype)(
            out
        )
        return self._relu(out) if relu else out

    def _padded(self, features: Any, pixels: int) -> Any:
        if not pixels:
            return features
        return keras.layers.ZeroPadding2D(pixels, data_format="channels_last", dtype=self._dtype)(features)

    def _relu(self, features: Any) -> Any:
        return keras.layers.ReLU(dtype=self._dtype)(features)

    def _add(self, first: Any, second: Any) -> Any:
        return keras.layers.Add(dtype=self._dtype)([first, second])
