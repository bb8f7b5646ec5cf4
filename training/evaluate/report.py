"""From probabilities and true classes to a report, wherever the answers came from: the network or the real server."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from training.evaluate.bootstrap import class_f1, interval, metrics_of, resampled_confusions
from training.evaluate.calibration import expected_calibration_error
from training.evaluate.metrics import eight_metrics
from training.evaluate.report_types import (
    ClassReport,
    DriftReference,
    DuplicateReport,
    OutOfDistributionReport,
    SelectiveReport,
    SplitReport,
)


def make_report(
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    threshold: float,
    uncalibrated: np.ndarray | None = None,
    duplicates: Sequence[int] | None = None,
) -> SplitReport:
    """Compare answers with the truth.

    Args:
        probabilities: calibrated, [N, classes].
        labels: indices of the true classes, [N].
        classes: their names.
        threshold: the confidence under which an answer is "not sure".
        uncalibrated: probabilities with temperature 1, [N, classes]; None where only calibrated ones are known.
        duplicates: indices of photos that the training split has too; None where nobody looked.
    """
    answers = probabilities.argmax(axis=1)
    resampled = resampled_confusions(labels, answers, len(classes))
    f1_resampled = class_f1(resampled)
    indices = range(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, answers, labels=list(indices), zero_division=0.0
    )
    true_probabilities = probabilities[np.arange(len(labels)), labels]
    without = None
    if duplicates is not None:
        kept = np.setdiff1d(np.arange(len(labels)), np.asarray(duplicates, dtype=int))
        rest = eight_metrics(labels[kept], answers[kept]) if len(kept) else None
        without = DuplicateReport(left_out=len(duplicates), metrics=rest)
    return SplitReport(
        count=len(labels),
        metrics=eight_metrics(labels, answers),
        intervals={name: interval(values) for name, values in metrics_of(resampled).items()},
        per_class={
            name: ClassReport(
                precision=float(precision[index]),
                recall=float(recall[index]),
                f1=float(f1[index]),
                f1_interval=interval(f1_resampled[:, index]),
                support=int(support[index]),
            )
            for index, name in enumerate(classes)
        },
        confusion=tuple(map(tuple, confusion_matrix(labels, answers, labels=list(indices)).tolist())),
        mean_confidence=float(probabilities.max(axis=1).mean()),
        log_loss=float(-np.log(np.maximum(true_probabilities, 1e-12)).mean()),
        ece=expected_calibration_error(probabilities, labels),
        ece_uncalibrated=None if uncalibrated is None else expected_calibration_error(uncalibrated, labels),
        selective=_selective(probabilities.max(axis=1), answers == labels, threshold),
        without_duplicates=without,
    )


def _selective(confidences: np.ndarray, correct: np.ndarray, threshold: float) -> SelectiveReport:
    flagged = confidences < threshold
    return SelectiveReport(
        flagged=float(flagged.mean()),
        accuracy_of_rest=None if flagged.all() else float(correct[~flagged].mean()),
        mistakes_flagged=None if correct.all() else float(flagged[~correct].mean()),
    )


def report_out_of_distribution(known: np.ndarray, other: np.ndarray, *, threshold: float) -> OutOfDistributionReport:
    """Compare the confidence in photos of the classes with that in photos of none: probabilities [N, C] and [M, C].

    AUROC of the largest probability as the score (Hendrycks and Gimpel, 2017, https://arxiv.org/abs/1610.02136).
    """
    confidences = np.concatenate([known.max(axis=1), other.max(axis=1)])
    is_known = np.concatenate([np.ones(len(known)), np.zeros(len(other))])
    return OutOfDistributionReport(
        count=len(other),
        auroc=float(roc_auc_score(is_known, confidences)),
        flagged=float((other.max(axis=1) < threshold).mean()),
        over_99=float((other.max(axis=1) > 0.99).mean()),
    )


def drift_reference(
    probabilities: np.ndarray, brightness: np.ndarray, classes: Sequence[str], *, threshold: float
) -> DriftReference:
    """Describe answers [N, classes] and the mean brightness of their photos, [N] on the scale 0 to 255."""
    tenths = np.linspace(0.1, 0.9, 9)
    confidences = probabilities.max(axis=1)
    shares = np.bincount(probabilities.argmax(axis=1), minlength=len(classes)) / len(probabilities)
    return DriftReference(
        count=len(probabilities),
        class_shares=dict(zip(classes, shares.tolist(), strict=True)),
        confidence_deciles=tuple(np.quantile(confidences, tenths).tolist()),
        low_confidence_share=float((confidences < threshold).mean()),
        brightness_deciles=tuple(np.quantile(brightness, tenths).tolist()),
    )
