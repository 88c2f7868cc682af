"""What a run's figures rest on, read from its folder: the data, the stages, gists and tastes."""

from pathlib import Path

import numpy as np
from pydantic import JsonValue, ValidationError

from gistrec import schema
from gistrec.config.dataset import DatasetConfig
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import Dataset, open_dataset
from gistrec.errors import ConfigError, GistrecError
from gistrec.evaluation.printed_systems import DatasetSize
from gistrec.evaluation.report.cards import DatasetCard, QualityCard, RunCard, StageLine, long_tail
from gistrec.pipeline.gist.table import read_quality as gist_quality
from gistrec.pipeline.manifest import find_manifest
from gistrec.pipeline.states import finished_stages
from gistrec.pipeline.taste.quality import read_quality as taste_quality
from gistrec.pipeline.workplace import noted_dataset
from gistrec.progress import say

_SPLIT = {  # facts of the stage, as a person reads them
    "train_users": "users who train",
    "train_interactions": "interactions that train",
    "valid": "validation questions",
    "test": "test questions",
    "cold": "test questions about cold items",
}


def dataset_card(run: Path, mark: str = "") -> DatasetCard | None:
    """The dataset of a run in numbers; None where it is gone. Its chart begins with ``mark``."""
    try:
        seen = _seen(run)
        dataset = open_dataset(noted_dataset(run), seen)
    except GistrecError as error:
        say(f"report: nothing is told of the dataset: {error}")
        return None
    lengths = dataset.sequences().lengths
    counts = np.bincount(dataset.sequences().items, minlength=dataset.n_items).astype(np.int64)
    density = lengths.sum() / max(dataset.n_users * dataset.n_items, 1)
    pictured, told = _with_image(dataset), sum(map(bool, _texts(dataset)))
    lines = [
        ("users", f"{dataset.n_users:,}"),
        ("items", f"{dataset.n_items:,}"),
        ("interactions", f"{dataset.interactions.height:,}"),
        ("of all pairs of user and item", f"{density:.3%}"),
        ("items of a user, median", f"{np.median(lengths):.0f}"),
        ("items of a user, mean", f"{lengths.mean():.1f}"),
        ("items with an image", f"{pictured:,} ({pictured / dataset.n_items:.1%})"),
        ("items with a text", f"{told:,} ({told / dataset.n_items:.1%})"),
        *_of_split(run),
        ("source", dataset.card.source or "not told"),
        ("fingerprint", dataset.fingerprint),
    ]
    tail, uneven = long_tail(counts, mark)
    size = DatasetSize(dataset.n_users, dataset.n_items, dataset.interactions.height)
    return DatasetCard(dataset.card.name, size, tuple(lines), tail, uneven)


def run_card(run: Path) -> RunCard:
    """How a run was made.

    Raises:
        RunError: a manifest is damaged.
    """
    stages = finished_stages(run)
    versions = {name: told for one in stages.values() for name, told in one.versions.items()}
    config = run / schema.CONFIG_FILE
    return RunCard(
        run.resolve().name,
        config.read_text(encoding="utf-8") if config.is_file() else "(there is no config.yaml)",
        tuple(versions.items()),
        tuple(
            StageLine(name, one.seconds, one.peak_mib, one.attempts, one.fingerprint)
            for name, one in stages.items()
        ),
    )


def quality_cards(run: Path) -> tuple[QualityCard, ...]:
    """What a run's gists and tastes are like, where they were measured."""
    kinds = (
        (
            "gist",
            gist_quality,
            "Gists",
            "A gist is what the model tells of an item's image and text, in a few words. A good "
            "one is an item's own, and finds its text again among all others.",
        ),
        (
            "taste",
            taste_quality,
            "Tastes",
            "A taste is what the model tells of a user, brought up to date block by block. A good "
            "one keeps what lasts and tells what the user likes.",
        ),
    )
    cards = []
    for stage, read, title, meaning in kinds:
        if find_manifest(run / stage) is None:
            continue
        try:
            lines = tuple(read(run / stage).told())
        except (OSError, ValidationError, ValueError):
            say(f"report: {stage}: an earlier gistrec measured its quality otherwise; left out")
            continue
        cards.append(QualityCard(title, meaning, lines))
    return tuple(cards)


def _seen(run: Path) -> DatasetConfig:
    """What the run may see of its dataset; all, where an earlier gistrec wrote its settings."""
    try:
        return load_config(SystemConfig, None, run / schema.CONFIG_FILE).dataset
    except ConfigError:
        return DatasetConfig()


def _with_image(dataset: Dataset) -> int:
    """Items that have something as their image, decodable or not."""
    return sum(dataset.encoded_image(code) is not None for code in range(dataset.n_items))


def _texts(dataset: Dataset) -> list[str]:
    if schema.TEXT not in dataset.items.columns:
        return []
    texts: list[str] = dataset.items[schema.TEXT].fill_null("").to_list()
    return texts


def _of_split(run: Path) -> list[tuple[str, str]]:
    manifest = find_manifest(run / "split")
    facts: dict[str, JsonValue] = {} if manifest is None else manifest.facts
    found = ((name, facts.get(key)) for key, name in _SPLIT.items())
    return [(name, f"{count:,}") for name, count in found if isinstance(count, int) and count]
