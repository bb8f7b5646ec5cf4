"""The eight metrics that every model is reported by, computed by scikit-learn."""

from collections.abc import Sequence

import numpy as np
from sklearn import metrics

EIGHT = (
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "f1_weighted",
    "f1_micro",
    "precision_macro",
    "recall_macro",
    "mcc",
)


def eight_metrics(labels: Sequence[int] | np.ndarray, predictions: Sequence[int] | np.ndarray) -> dict[str, float]:
    """Compare true and predicted class indices, [N] each. A class that is never predicted has precision 0."""

    def averaged(average: str) -> tuple[float, float, float]:
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            labels, predictions, average=average, zero_division=0.0
        )
        return float(precision), float(recall), float(f1)

    precision_macro, recall_macro, f1_macro = averaged("macro")
    values = (
        float(metrics.accuracy_score(labels, predictions)),
        float(metrics.balanced_accuracy_score(labels, predictions)),
        f1_macro,
        averaged("weighted")[2],
        averaged("micro")[2],
        precision_macro,
        recall_macro,
        float(metrics.matthews_corrcoef(labels, predictions)),
    )
    return dict(zip(EIGHT, values, strict=True))
