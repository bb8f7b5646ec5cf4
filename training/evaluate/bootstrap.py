"""Bootstrap intervals: how far a figure would vary over splits of the same size."""

import numpy as np

from training.evaluate.metrics import EIGHT

RESAMPLES = 1000
_LEVEL = 0.95


def resampled_confusions(
    labels: np.ndarray, predictions: np.ndarray, classes: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Draw samples from a split, with replacement, and return their confusion matrices, INT64 [resamples, C, C].

    Each class keeps its count (a stratified bootstrap): the official splits were drawn class by class, and a class that
    is missing from a draw would have no recall. Efron and Tibshirani, 1993, An Introduction to the Bootstrap.
    """
    generator = np.random.default_rng(seed)
    matrices = np.zeros((resamples, classes, classes), dtype=np.int64)
    for label in range(classes):
        answers = np.bincount(predictions[labels == label], minlength=classes)
        if answers.sum():
            matrices[:, label] = generator.multinomial(answers.sum(), answers / answers.sum(), size=resamples)
    return matrices


def class_f1(confusions: np.ndarray) -> np.ndarray:
    """Return F1 by class, [..., C], of confusion matrices [..., C, C]; 0 for a class that neither list names."""
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    named = confusions.sum(axis=-1) + confusions.sum(axis=-2)
    return _ratio(2 * hits, named)


def metrics_of(confusions: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the eight metrics from confusion matrices [..., C, C], as ``eight_metrics`` does from a single split.

    Like scikit-learn's, the means over classes leave out a class that is neither in the split nor in the answers, and
    balanced accuracy one that is not in the split.
    """
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    true, answered = confusions.sum(axis=-1), confusions.sum(axis=-2)
    total, right = true.sum(axis=-1), hits.sum(axis=-1)
    recall, precision, f1 = _ratio(hits, true), _ratio(hits, answered), class_f1(confusions)
    present = np.maximum((true + answered > 0).sum(axis=-1), 1)
    accuracy = right / total
    covariance = right * total - (true * answered).sum(axis=-1)
    spread = np.sqrt((total**2 - (true**2).sum(axis=-1)) * (total**2 - (answered**2).sum(axis=-1)).astype(float))
    values = (
        accuracy,
        recall.sum(axis=-1) / (true > 0).sum(axis=-1),
        f1.sum(axis=-1) / present,
        (f1 * true).sum(axis=-1) / total,
        accuracy,
        precision.sum(axis=-1) / present,
        recall.sum(axis=-1) / present,
        _ratio(covariance, spread),
    )
    return dict(zip(EIGHT, values, strict=True))


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of resampled values [resamples]."""
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(part, whole, out=np.zeros(np.shape(part), dtype=float), where=np.asarray(whole) > 0)
    return ratio
