"""Figures as papers print them beside one's own, and in words what keeps the two apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gistrec.evaluation.metrics import AUC
from gistrec.evaluation.printed_systems import (
    DATASETS,
    NOTES,
    SECONDS,
    SETTING,
    SOURCES,
    TABLE_7,
    DatasetSize,
    paper_name,
    printed_of,
    same_data,
)
from gistrec.evaluation.report.board import Cell, number, span
from gistrec.evaluation.row import Row

COLUMNS = ("HR@5", "NDCG@5", "MRR@5", AUC)


@dataclass(frozen=True)
class PrintedLine:
    """A system here, or as a paper prints it.

    Attributes:
        where: "here, on <dataset>", or the paper's table and dataset.
        here: whether it was measured here.
        cells: one a column; empty where a paper prints no such figure.
    """

    system: str
    where: str
    here: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class PrintedPanel:
    """Each system here, followed by what papers print of it, and what differs, in sentences."""

    columns: tuple[str, ...]
    lines: tuple[PrintedLine, ...]
    differs: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Surroundings:
    """What figures of one's own rest on.

    Attributes:
        dataset: its name.
        size: None where it is not known.
        split: its kind.
        negatives: that each next item stands among.
        backbone: the language model, in words; "" where none recommends.
    """

    dataset: str
    size: DatasetSize | None
    split: str
    negatives: int
    backbone: str


def printed_panel(
    rows: Sequence[Row], around: Surroundings, answering: Mapping[str, float]
) -> PrintedPanel | None:
    """Systems that some paper prints; None where there is none.

    Args:
        rows: of the sampled protocol, by which papers ask, the best first.
        around: what the rows rest on.
        answering: seconds a question by system, where they are known.
    """
    # Papers print whole systems; one under another setting is none of theirs.
    known = [row for row in rows if SETTING not in row.system and printed_of(row.system)]
    if not known:
        return None
    lines: list[PrintedLine] = []
    for row in known:
        lines.append(PrintedLine(row.system, f"here, on {around.dataset}", True, _ours(row)))
        lines += [
            PrintedLine(row.system, f"{line.source}: {line.dataset}", False, _theirs(line.metrics))
            for line in printed_of(row.system)
        ]
    papers = {line.source.partition(",")[0] for row in known for line in printed_of(row.system)}
    return PrintedPanel(
        COLUMNS,
        tuple(lines),
        tuple(_differs(known, around, answering)),
        tuple(f"{paper}: {told}" for paper, told in SOURCES.items() if paper in papers),
    )


def _ours(row: Row) -> tuple[Cell, ...]:
    found = [row.metrics.get(name) for name in COLUMNS]
    return tuple(
        Cell("")
        if metric is None
        else Cell(
            number(metric.value),
            metric.value,
            f"{number(metric.low)} to {number(metric.high)}" if metric.low < metric.high else "",
        )
        for metric in found
    )


def _theirs(metrics: Mapping[str, float]) -> tuple[Cell, ...]:
    found = [metrics.get(name) for name in COLUMNS]
    return tuple(Cell("") if value is None else Cell(number(value), value) for value in found)


def _differs(
    rows: Sequence[Row], around: Surroundings, answering: Mapping[str, float]
) -> list[str]:
    """What keeps figures here and there apart, in sentences."""
    told = [_of_data(around)]
    if around.split != "users":
        told.append(f"Papers split users 8:1:1; the split here is {around.split!r}.")
    if around.negatives != 20:
        told.append(f"Papers draw 20 negatives; here there are {around.negatives}.")
    if around.backbone and any(paper_name(row.system) in SECONDS for row in rows):
        told.append(
            "The papers' language models are LLaVA and others of seven billion parameters and "
            f"more, fine-tuned on other hardware; here it is {around.backbone}."
        )
    told += [_of_seconds(row.system, answering) for row in rows if row.system in answering]
    told += [
        NOTES[name] for name in dict.fromkeys(paper_name(r.system) for r in rows) if name in NOTES
    ]
    return [line for line in told if line]


def _of_data(around: Surroundings) -> str:
    name = same_data(around.dataset)
    if not name:
        return (
            f"No paper measured on {around.dataset}: its items and users are others altogether, so "
            "that only the order of the systems and the size of the steps between them can be held "
            "against each other."
        )
    printed = _size(DATASETS[name])
    here = "of another size" if around.size is None else _size(around.size)
    return (
        f"{name} as papers count it has {printed}; {around.dataset} here has {here}: another "
        "version or filtering, other users asked, other negatives drawn."
    )


def _size(size: DatasetSize) -> str:
    return f"{size.users:,} users, {size.items:,} items and {size.interactions:,} interactions"


def _of_seconds(system: str, answering: Mapping[str, float]) -> str:
    printed = SECONDS.get(paper_name(system))
    if printed is None:
        return ""
    each = ", ".join(f"{seconds:g} s with {model}" for model, _, seconds in printed)
    return (
        f"{TABLE_7}, prints for a recommendation of {paper_name(system)} {each}; a question to "
        f"{system} took {span(answering[system])} here, with another model on another machine."
    )
