"""Every baseline by its name: fitted on a training log, or read from a folder."""

from pathlib import Path
from typing import Protocol

from gistrec.baselines.ease import Ease
from gistrec.baselines.hm4sr.model import Hm4srModel
from gistrec.baselines.hm4sr.training import train_hm4sr
from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.baselines.itemknn import ItemKnn
from gistrec.baselines.molar.model import MolarModel
from gistrec.baselines.molar.training import MolarContent, train_molar
from gistrec.baselines.popularity import Popularity
from gistrec.baselines.sequential import fit_sequential
from gistrec.config.baselines import BaselineName, BaselinesConfig
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker
from gistrec.data.sequences import Sequences
from gistrec.sequence.model import SequenceModel


class Baseline(Ranker, Protocol):
    """A ranker that can be kept."""

    def save(self, folder: Path) -> None:
        """Write all that scoring needs into ``folder``."""
        ...


def fit_baseline(
    name: BaselineName,
    config: BaselinesConfig,
    train: Sequences,
    valid: Queries | None,
    n_items: int,
    folder: Path | None = None,
    vectors: ItemVectors | None = None,
    molar: MolarContent | None = None,
) -> Baseline:
    """Fit one baseline.

    Args:
        name: which one.
        config: the settings of all.
        train: the training log.
        valid: tells the sequence models when to stop; None trains them for all their epochs.
        n_items: size of the catalogue.
        folder: where a sequence model checkpoints its training, to go on after a kill.
        vectors: what is known of items, for those that read it; None for nothing but their ids.
        molar: what Molar is told, which cannot do without.

    Raises:
        ConfigError: the baseline cannot be fitted to a catalogue of this size.
        DataError: the training log is empty.
        RunError: a checkpoint in ``folder`` belongs to another training.
        ValueError: Molar without what it is made of.
    """
    match name:
        case "popularity":
            return Popularity.fit(train, n_items)
        case "itemknn":
            return ItemKnn.fit(train, n_items, config.itemknn)
        case "ease":
            return Ease.fit(train, n_items, config.ease)
        case "sasrec" | "gru4rec" | "bert4rec":
            settings = {
                "sasrec": config.sasrec,
                "gru4rec": config.gru4rec,
                "bert4rec": config.bert4rec,
            }
            return fit_sequential(settings[name], train, valid, n_items, folder)
        case "hm4sr":
            checkpoint = None if folder is None else folder / "hm4sr.checkpoint"
            content = ItemVectors.none(n_items) if vectors is None else vectors
            return train_hm4sr(config.hm4sr, train, valid, content, checkpoint)
        case "molar":
            if molar is None:
                raise ValueError("Molar is made of items' vectors")
            checkpoint = None if folder is None else folder / "molar.checkpoint"
            return train_molar(config.molar, train, valid, molar, checkpoint)


def load_baseline(name: BaselineName, folder: Path) -> Baseline:
    """Read a baseline that ``save`` wrote into ``folder``."""
    match name:
        case "popularity":
            return Popularity.load(folder)
        case "itemknn":
            return ItemKnn.load(folder)
        case "ease":
            return Ease.load(folder)
        case "sasrec" | "gru4rec" | "bert4rec":
            return SequenceModel.load(folder)
        case "hm4sr":
            return Hm4srModel.load(folder)
        case "molar":
            return MolarModel.load(folder)
