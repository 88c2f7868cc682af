"""What a stage of a run is expected to take: units of work, and measured seconds a unit.

The seconds were measured on two CPU cores with the embedded backbone: on the bazaar of the default
size under the profile small, and on MicroLens and MovieLens where work grows otherwise. They are
good to a factor of two or so; what a study has measured itself takes their place. Of a backbone
that is named, nothing is known before its first run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.config.bazaar import BazaarConfig
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.config.system import SystemConfig
from gistrec.errors import DataError

_EMBEDDED = "embedded"
_FULL_RANKINGS = (schema.FULL, schema.COLD_FULL)


@dataclass(frozen=True)
class DataSize:
    """How much there is of a dataset.

    Attributes:
        oracle: whether the rule by which its users choose is there.
    """

    users: int
    items: int
    interactions: int
    oracle: bool


@dataclass(frozen=True)
class _Work:
    """What a run's stages have to do.

    Attributes:
        config: the run's.
        size: of its dataset.
    """

    config: SystemConfig
    size: DataSize

    @property
    def trained(self) -> float:
        """Interactions that train."""
        split = self.config.split
        users = self.size.users
        share = 1.0 if split.kind == "last-out" else 1 - split.valid_fraction - split.test_fraction
        kept = min(users * share, split.max_train_users or users)
        return self.size.interactions * kept / max(users, 1)

    @property
    def tested(self) -> float:
        """Users who are asked at the end."""
        split = self.config.split
        share = split.test_fraction if split.kind == "users" else 1.0
        return min(self.size.users * share, split.max_test_users or self.size.users)

    @property
    def windows(self) -> float:
        """Windows of one round of the recommender's training."""
        return min(self.trained, self.config.recommender.max_windows or self.trained)

    @property
    def full_rankings(self) -> int:
        """Protocols that rank the whole catalogue."""
        return sum(name in _FULL_RANKINGS for name in self.config.evaluation.protocols)

    @property
    def lists(self) -> float:
        """Lists of candidates to be scored, one of the whole catalogue for five of twenty."""
        short = len(self.config.evaluation.protocols) - self.full_rankings
        return self.tested * (short + 5 * self.full_rankings)

    def passes(self, name: str) -> float:
        """Interactions x epochs x layers x width of a model of sequences."""
        model: SequenceConfig | Hm4srConfig = getattr(self.config.baselines, name)
        return self.trained * model.epochs * model.layers * model.width

    def pieces(self) -> float:
        """Items of the pieces of histories that tune Molar's item encoder."""
        made = self.config.baselines.molar.items
        windows = min(self.trained, made.max_windows)
        return made.epochs * windows * made.length + self.size.items

    def lessons(self) -> float:
        """Lessons of the warm start."""
        made = self.config.backbone.embedded
        texts = min(made.max_texts, 2 * self.size.items) + min(made.retold_texts, self.size.items)
        lists = made.invented_users + made.sentences + 10 * made.tastes  # tastes are long
        return made.epochs * (made.primer_drawings + texts + lists)

    def asked_for_gists(self) -> float:
        """Questions about items."""
        return self.size.items * (3 if self.config.gist.style == "sentences" else 2)

    def similar(self) -> float:
        """Training interactions whose similar users are sought."""
        return self.trained if self.config.collab.neighbours else 0.0


@dataclass(frozen=True)
class _Cost:
    """Seconds for a unit of work; ``fixed`` whatever there is to do."""

    seconds: float
    units: Callable[[_Work], float]
    of_model: bool = False  # the language model does it


_ENCODER_FOLDS = 2.5e-7  # a pass of a model of sequences, which the folds train once more
# In seconds a unit; from manifests of finished runs.
_COSTS = {
    "split": _Cost(1e-6, lambda work: work.size.interactions),
    "evaluation-oracle": _Cost(5e-4, lambda work: work.tested),
    "baseline-popularity": _Cost(1e-7, lambda work: work.trained),
    "baseline-itemknn": _Cost(1e-5, lambda work: work.trained),
    "baseline-ease": _Cost(8e-12, lambda work: float(work.size.items) ** 3),
    "baseline-sasrec": _Cost(_ENCODER_FOLDS, lambda work: work.passes("sasrec")),
    "baseline-gru4rec": _Cost(3e-7, lambda work: work.passes("gru4rec")),
    "baseline-bert4rec": _Cost(2.5e-7, lambda work: work.passes("bert4rec")),
    "baseline-hm4sr": _Cost(1.5e-6, lambda work: work.passes("hm4sr")),
    "baseline-molar": _Cost(6e-3, lambda work: work.pieces(), True),
    "backbone": _Cost(5e-3, lambda work: work.lessons() + 4 * work.size.items, True),
    "gist-tuning": _Cost(1.6, lambda work: work.config.gist.tuning.steps, True),
    "gist": _Cost(5e-3, lambda work: work.asked_for_gists(), True),
    "collab": _Cost(1e-3, lambda work: work.similar() * (1 + _pass_seconds(work) / 1e-3)),
    "taste": _Cost(1.7e-2, lambda work: work.windows + 5 * work.tested, True),
    "recommender": _Cost(0.015, lambda work: work.windows * work.config.recommender.epochs, True),
    "recommender-evidence": _Cost(
        0.025, lambda work: work.windows * work.config.recommender.epochs, True
    ),
    "evidence": _Cost(4e-4, lambda work: work.size.items),
    "fusion": _Cost(0.2, lambda work: min(work.config.fusion.users, work.size.users / 10), True),
}
_ASKED_MODEL = _Cost(0.03, lambda work: work.lists, True)
_ASKED_EVIDENCE = _Cost(0.09, lambda work: work.lists, True)
_ASKED_FUSION = _Cost(2e-3, lambda work: work.lists)
_ASKED_BASELINE = _Cost(
    1e-7, lambda work: work.tested * (100 + work.size.items * work.full_rankings)
)


def _pass_seconds(work: _Work) -> float:
    """Seconds an interaction that the encoder's folds take."""
    model: SequenceConfig = getattr(work.config.baselines, work.config.collab.encoder)
    return _ENCODER_FOLDS * model.epochs * model.layers * model.width


def units_of(stage: str, config: SystemConfig, size: DataSize) -> float:
    """How much a stage has to do, in units of its own; never 0."""
    return max(_cost(stage, config).units(_Work(config, size)), 1e-9)


def expected_seconds(
    stage: str, config: SystemConfig, size: DataSize, rate: float | None = None
) -> float | None:
    """Seconds that a stage is expected to take; None where nobody can tell.

    Args:
        stage: its name.
        config: of its run.
        size: of its dataset.
        rate: seconds a unit, as the same stage was measured; None for the table's.
    """
    cost = _cost(stage, config)
    if rate is not None:
        return rate * units_of(stage, config, size)
    if cost.of_model and config.backbone.model != _EMBEDDED:
        return None
    return cost.seconds * units_of(stage, config, size)


def size_of(folder: Path, bazaar: BazaarConfig | None) -> DataSize:
    """The size of a dataset; of a bazaar, what it will have.

    Raises:
        DataError: its tables cannot be read.
    """
    if bazaar is not None:
        mean = (bazaar.shortest + bazaar.longest) / 2
        return DataSize(bazaar.users, bazaar.items, round(bazaar.users * mean), True)
    try:
        log = pl.scan_parquet(folder / schema.INTERACTIONS_FILE)
        counted = log.select(pl.len(), pl.col(schema.USER_ID).n_unique().alias("users")).collect()
        items = pl.scan_parquet(folder / schema.ITEMS_FILE).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError) as error:
        told = f"dataset {folder} cannot be read; `gistrec data check {folder}` says why"
        raise DataError(told) from error
    oracle = (folder / schema.TRUTH_FOLDER).is_dir()
    return DataSize(counted["users"].item(), items, counted["len"].item(), oracle)


def _cost(stage: str, config: SystemConfig) -> _Cost:
    if stage in _COSTS:
        return _COSTS[stage]
    kind, _, of = stage.partition("-")
    if kind == "evaluation" and config.recommends:
        if of == config.fused:
            return _ASKED_FUSION
        return _ASKED_EVIDENCE if of == config.with_evidence else _ASKED_MODEL
    # Of a baseline that the table does not know, a training like SASRec's is expected.
    return _ASKED_BASELINE if kind == "evaluation" else _COSTS["baseline-sasrec"]
