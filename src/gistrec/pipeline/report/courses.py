"""How training went in a run: what its stages noted after each epoch or step."""

from collections.abc import Iterator, Sequence
from json import JSONDecodeError
from pathlib import Path

from gistrec import schema
from gistrec.evaluation.report.curves import Course, Curve
from gistrec.files import read_json
from gistrec.pipeline.manifest import find_manifest
from gistrec.pipeline.transfer import FROM_RUN

_RECOMMENDERS = {"recommender": "told no evidence", "recommender-evidence": "told evidence"}
_BY_EPOCH, _TUNING = "validation_by_epoch", "gist-tuning"
_TERMS = ("information", "reconstruction", "length", "distinction")
_FEWEST = 2  # points that make a curve


def courses_of(run: Path) -> list[Course]:
    """Every training of a run that noted more than its end; none of what it took over."""
    return [*_recommenders(run), *_baselines(run), *_tuning(run)]


def _recommenders(run: Path) -> Iterator[Course]:
    for stage, told in _RECOMMENDERS.items():
        manifest = find_manifest(run / stage)
        if manifest is None or FROM_RUN in manifest.facts:
            continue
        points = _numbered(manifest.facts.get(_BY_EPOCH))
        best = manifest.facts.get("best_epoch")
        if len(points) >= _FEWEST:
            yield Course(
                f"Recommender, {told}",
                "epoch",
                "validation NDCG@5",
                (Curve(stage, points),),
                float(best) if isinstance(best, int) else None,
            )


def _baselines(run: Path) -> Iterator[Course]:
    """Baselines that are trained in epochs, beside one another."""
    curves = []
    for settings in sorted(run.glob("baseline-*/model.json")):
        try:
            report = read_json(settings)["report"]
            points = _numbered(report.get("by_epoch"))
        except (OSError, UnicodeDecodeError, JSONDecodeError, KeyError, TypeError, AttributeError):
            continue
        if len(points) >= _FEWEST:
            curves.append(Curve(settings.parent.name.removeprefix("baseline-"), points))
    if curves:
        yield Course("Sequence models", "epoch", "validation NDCG@10", tuple(curves))


def _tuning(run: Path) -> Iterator[Course]:
    """The reward of a gist tuning, and the terms it is made of."""
    manifest = find_manifest(run / _TUNING)
    folder = run / _TUNING / schema.TENSORBOARD_FOLDER
    if manifest is None or FROM_RUN in manifest.facts or not folder.is_dir():
        return
    best = manifest.facts.get("best_step")
    kept = float(best) if isinstance(best, int) else None
    wholes = {"train/reward": "training, drawn", "eval/reward": "held out, likeliest"}
    terms = {f"train/rewards/{term}/mean": term for term in _TERMS}
    scalars = _scalars(folder, [*wholes, *terms])
    for title, named, mark in (
        ("Gist tuning, reward", wholes, kept),
        ("Gist tuning, its terms in training", terms, None),
    ):
        curves = [Curve(name, scalars[tag]) for tag, name in named.items() if tag in scalars]
        if any(len(curve.points) >= _FEWEST for curve in curves):
            yield Course(title, "step", "reward", tuple(curves), mark)


def _scalars(folder: Path, tags: Sequence[str]) -> dict[str, tuple[tuple[float, float], ...]]:
    """What TensorBoard would show."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    there = events.Tags()["scalars"]
    return {
        tag: tuple((float(one.step), float(one.value)) for one in events.Scalars(tag))
        for tag in tags
        if tag in there
    }


def _numbered(values: object) -> tuple[tuple[float, float], ...]:
    """Values after the first epoch, the second, ...; nothing where there are none."""
    if not isinstance(values, list):
        return ()
    return tuple(
        (float(epoch), float(value)) for epoch, value in enumerate(values, 1) if value is not None
    )
