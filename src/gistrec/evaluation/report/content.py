"""All that a report shows, part by part; a part that a run does not have is empty."""

from dataclasses import dataclass

from gistrec.evaluation.report.board import Board
from gistrec.evaluation.report.by_seed import BySeed
from gistrec.evaluation.report.cards import DatasetCard, QualityCard, RunCard
from gistrec.evaluation.report.cost import Priced
from gistrec.evaluation.report.curves import CoursePanel
from gistrec.evaluation.report.gallery import Gallery
from gistrec.evaluation.report.glance import Glance
from gistrec.evaluation.report.printed_panel import PrintedPanel
from gistrec.evaluation.report.strata_panels import Strata
from gistrec.evaluation.report.told_apart import EveryPair, ToldApart
from gistrec.evaluation.report.variants import Variants


@dataclass(frozen=True)
class Heading:
    """What the report is of.

    Attributes:
        system: the run's own, or its baselines.
        split: its kind and fingerprints.
        measured: the day, as ``2026-01-31``.
        seeds: of several runs; empty where there is one.
        notes: what a reader has to know before the figures.
    """

    system: str
    dataset: str
    split: str
    measured: str
    seeds: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """A report, or of a study's the part of one dataset.

    Attributes:
        by_seed: the figures of each seed; empty where there is one.
        pairs: of all systems, by protocol.
        first: of several seeds the one that curves, gists and users are of; else "".
        mark: what names within the page begin with, where it has more such parts.
    """

    heading: Heading
    glances: tuple[Glance, ...]
    boards: tuple[Board, ...]
    told_apart: tuple[ToldApart, ...]
    strata: tuple[Strata, ...]
    costs: tuple[Priced, ...]
    courses: tuple[CoursePanel, ...]
    variants: tuple[Variants, ...]
    galleries: tuple[Gallery, ...]
    dataset: DatasetCard | None
    runs: tuple[RunCard, ...]
    qualities: tuple[QualityCard, ...]
    printed: PrintedPanel | None = None
    by_seed: tuple[BySeed, ...] = ()
    pairs: tuple[EveryPair, ...] = ()
    first: str = ""
    mark: str = ""
