"""All that the report of a study shows."""

from dataclasses import dataclass

from gistrec.evaluation.report.cards import RunCard
from gistrec.evaluation.report.content import Content
from gistrec.evaluation.report.glance import Glance


@dataclass(frozen=True)
class RunLine:
    """One run of the study.

    Attributes:
        seconds, estimated: in words; "" where not known.
        value, expected: the same in seconds; None where not known.
        message: why it failed; else "".
        reused: the stages that it took over.
    """

    dataset: str
    system: str
    seed: int
    state: str
    seconds: str
    value: float | None
    estimated: str
    expected: float | None
    message: str
    reused: tuple[str, ...]


@dataclass(frozen=True)
class SearchLine:
    """What a search for settings was given, and what it found.

    Attributes:
        time: ``seconds`` in words.
        best: a setting and its value each.
    """

    dataset: str
    system: str
    trials: int
    seconds: float
    time: str
    best: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Who wins on one dataset, by each protocol."""

    title: str
    mark: str
    glances: tuple[Glance, ...]


@dataclass(frozen=True)
class StudyContent:
    """The report of a study.

    Attributes:
        facts: datasets, seeds and day, in a sentence each.
        notes: what a reader has to know before the figures.
        took: time and what was shared, in words.
        parts: a dataset each, or a dataset's questions of one kind.
        cards: how each run was made.
    """

    name: str
    title: str
    facts: tuple[str, ...]
    notes: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    parts: tuple[Content, ...]
    runs: tuple[RunLine, ...]
    took: str
    searches: tuple[SearchLine, ...]
    cards: tuple[RunCard, ...]
