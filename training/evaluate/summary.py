"""An evaluation as text, for the terminal and a log."""

from collections.abc import Sequence

from training.evaluate.card import ModelCard
from training.evaluate.report_types import PlaceReport, PlacesMean, PlacesReport, SplitReport


def describe_card(card: ModelCard) -> str:
    """Return what a card says of every split, and of the calibration."""
    calibration = card.calibration
    parts = [
        f"{card.model_type}: {card.parameters / 1e6:.2f} million parameters, temperature "
        f"{calibration.temperature:.3f}, not sure under a confidence of {calibration.confidence_threshold:.3f}"
        f"{_trained_with(card)}"
    ]
    parts += [describe_report(name, report, card.classes) for name, report in card.metrics.items()]
    if card.places is not None:
        parts.append(describe_places(card.places))
    if card.out_of_distribution is not None:
        other = card.out_of_distribution
        parts.append(
            f"out-of-distribution ({other.count} photos of none of the classes): "
            f"AUROC {other.auroc:.4f} against the test split, "
            f"{other.flagged:.1%} flagged as not sure, {other.over_99:.1%} answered with more than 0.99"
        )
    if card.bfloat16 is not None:
        told = (
            f"{name} {of.accuracy:.4f} (balanced {of.balanced_accuracy:.4f}, {of.changed} classes changed)"
            for name, of in card.bfloat16.items()
        )
        parts.append("accuracy in bfloat16: " + ", ".join(told))
    return "\n\n".join(parts)


def _trained_with(card: ModelCard) -> str:
    """Name the framework that trained; cards of before there were two say only a version of PyTorch."""
    name, package = (
        ("TensorFlow", "tensorflow") if card.training.get("provider") == "tensorflow" else ("PyTorch", "torch")
    )
    version = card.training.get(package)
    return f", trained with {name} {version}" if version else ""


def describe_report(name: str, report: SplitReport, classes: Sequence[str]) -> str:
    """Return one split's figures, its table by class and its confusion matrix."""
    lines = [f"{name} ({report.count} photos; in brackets: 95 % by bootstrap)"]
    for metric, value in report.metrics.items():
        low, high = report.intervals[metric]
        lines.append(f"  {metric:18} {value:.4f}  [{low:.4f}, {high:.4f}]")
    before = "" if report.ece_uncalibrated is None else f" (uncalibrated {report.ece_uncalibrated:.4f})"
    lines.append(
        f"  confidence {report.mean_confidence:.4f}, ECE {report.ece:.4f}{before}, log loss {report.log_loss:.4f}"
    )
    selective = report.selective
    lines.append(
        f"  not sure: {selective.flagged:.1%} of the photos and {_share(selective.mistakes_flagged)} of the mistakes; "
        f"accuracy of the rest {_share(selective.accuracy_of_rest)}"
    )
    if report.without_duplicates is not None:
        without, rest = report.without_duplicates, report.without_duplicates.metrics
        told = f"accuracy {rest['accuracy']:.4f}, balanced {rest['balanced_accuracy']:.4f}" if rest else "nothing left"
        lines.append(f"  without the {without.left_out} that the training photos hold too, or nearly: {told}")
    width = max(map(len, classes))
    lines.append(f"  {'':{width}}  precision  recall      F1  photos  answers as " + " ".join(classes))
    for label, row in zip(classes, report.confusion, strict=True):
        of = report.per_class[label]
        counts = " ".join(f"{count:{len(answer)}}" for count, answer in zip(row, classes, strict=True))
        lines.append(
            f"  {label:{width}}  {of.precision:9.4f}  {of.recall:6.4f}  {of.f1:6.4f}  {of.support:6}  {'':10} {counts}"
        )
    return "\n".join(lines)


def describe_places(report: PlacesReport) -> str:
    """Return the table of places and their means."""
    width = max(len("mean over held-out places"), *map(len, report.places)) + 2
    lines = [f"{'place':{width}}   photos  accuracy  balanced    sure  right when sure  none of them: photos, sure"]
    for name, of in sorted(report.places.items(), key=lambda item: item[0] in report.held_out):
        none = f"{of.none_count:8} {_share(of.none_sure)}" if of.none_count else ""
        mark = " *" if name in report.held_out else ""
        lines.append(f"{name + mark:{width}} {of.count:8}  {_figures(of)}  {none}".rstrip())
    lines.append(f"{'mean over places':{width}} {report.mean.places:8}  {_figures(report.mean)}")
    if report.held_out_mean is not None:
        mean = report.held_out_mean
        lines.append(f"{'mean over held-out places':{width}} {mean.places:8}  {_figures(mean)}   (* held out)")
    return "\n".join(lines)


def _figures(of: PlaceReport | PlacesMean) -> str:
    return f"{of.accuracy:8.4f}  {of.balanced_accuracy:8.4f}  {of.sure:6.1%}  {_share(of.right_when_sure):>15}"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"
