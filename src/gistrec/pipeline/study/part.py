"""One dataset of a study as the report shows it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gistrec.errors import RunError
from gistrec.evaluation.ablations import read_ablations
from gistrec.evaluation.printed_systems import SETTING
from gistrec.evaluation.report.board import Board, boards, level
from gistrec.evaluation.report.by_seed import by_seed
from gistrec.evaluation.report.cards import QualityCard
from gistrec.evaluation.report.content import Content, Heading
from gistrec.evaluation.report.cost import priced
from gistrec.evaluation.report.curves import Course, course_panels
from gistrec.evaluation.report.entrants import Entrants
from gistrec.evaluation.report.gallery import Gallery
from gistrec.evaluation.report.strata_panels import strata_panels
from gistrec.evaluation.report.told_apart import (
    EveryPair,
    ToldApart,
    against,
    best_baseline,
    every_pair,
)
from gistrec.evaluation.report.variants import Variants, variants
from gistrec.evaluation.report.verdict import verdict
from gistrec.evaluation.row import Row
from gistrec.pipeline.report.cards import dataset_card, quality_cards
from gistrec.pipeline.report.courses import courses_of
from gistrec.pipeline.report.page import gallery_of
from gistrec.pipeline.report.printed import papers_beside
from gistrec.pipeline.report.rows import seconds_a_question
from gistrec.pipeline.study.entries import Entry
from gistrec.pipeline.study.settings import settings_of
from gistrec.progress import say, track


@dataclass(frozen=True)
class Place:
    """Where a part of the report stands.

    Attributes:
        title: the dataset, and what tells its parts apart.
        mark: what names within the page begin with.
        failed: systems of which no run was finished.
        notes: what a reader has to know before its figures.
    """

    title: str
    mark: str
    failed: tuple[str, ...]
    notes: tuple[str, ...]


def study_part(entries: Sequence[Entry], place: Place, users: int, seed: int) -> Content:
    """All that stands of systems that were asked on the same splits.

    Args:
        entries: these systems.
        place: what is known of the part beside them.
        users: how many to show of each system; 0 opens no model.
        seed: they are drawn by it.

    Raises:
        RunError: a run lacks its ranks.
    """
    pooled = [row for entry in track(entries, "measuring over seeds") for row in entry.rows()]
    entrants = Entrants(tuple(entry.name for entry in entries if entry.own))
    shown = boards(pooled, entrants, place.failed)
    headline = [row for row in pooled if row.protocol == shown[0].protocol]
    keyed: dict[tuple[str, str], Row] = {(row.protocol, row.system): row for row in pooled}
    rows = [
        keyed[board.protocol, line.system]
        for board in shown
        for line in board.lines
        if line.kind != "failed"
    ]
    pairs = tuple(_pairs(entries, shown, entrants))
    models, mark = _models(entries), place.mark
    dataset, answering = dataset_card(entries[0].folders[0], mark), _answering(entries)
    seeds = sorted({seed for entry in entries for seed in entry.seeds})
    whole = {entry.name for entry in _whole(entries)}
    compared = [row for row in rows if row.system in whole]
    found = (verdict(_by(compared, one.protocol), one.pairs, entrants) for one in pairs)
    plain = [row for row in headline if SETTING not in row.system]
    return Content(
        heading=_heading(place, entries, rows, seeds),
        glances=tuple(glance for glance in found if glance is not None),
        boards=shown,
        told_apart=tuple(_against_baselines(pairs, rows, entrants)),
        strata=strata_panels(plain, entrants, mark),
        costs=priced(plain, answering, entrants, mark),
        courses=course_panels(_courses(models), mark),
        variants=tuple(_variants(entries, models, mark)),
        galleries=tuple(_galleries(models, users, seed)) if users else (),
        dataset=dataset,
        runs=(),
        qualities=tuple(_qualities(models)),
        printed=papers_beside([folder for _, folder in models], rows, dataset, answering),
        by_seed=by_seed(
            {
                str(seed): [
                    row.model_copy(update={"system": entry.name})
                    for entry in entries
                    for one in entry.seen
                    if one.seed == seed
                    for row in one.rows
                ]
                for seed in seeds
            },
            rows,
        ),
        pairs=pairs,
        first=f"seed {seeds[0]}, the first of {len(seeds)}" if len(seeds) > 1 else "",
        mark=mark,
    )


def _by(rows: Iterable[Row], protocol: str) -> list[Row]:
    return [row for row in rows if row.protocol == protocol]


def _models(entries: Sequence[Entry]) -> list[tuple[str, Path]]:
    """The label and the first seed's run of each of the study's systems, those with a model first.

    Where none has one, the first run stands for all.
    """
    labels = {entry.label: entry.folders[0] for entry in reversed(entries)}
    own = [entry.label for entry in entries if entry.own]
    kept = list(dict.fromkeys(own or [entries[0].label]))
    return [(label, labels[label]) for label in kept]


def _heading(
    place: Place, entries: Sequence[Entry], rows: Sequence[Row], seeds: Sequence[int]
) -> Heading:
    prints = dict.fromkeys(
        print_
        for seed in seeds
        if (print_ := next(filter(None, (e.split_of(seed) for e in entries)), None))
    )
    return Heading(
        system="",
        dataset=place.title,
        split=f"{rows[0].split} ({', '.join(prints)})",
        measured="",
        seeds=tuple(map(str, seeds)) if len(seeds) > 1 else (),
        notes=(*place.notes, *_few(entries)),
    )


def _whole(entries: Sequence[Entry]) -> list[Entry]:
    """Those that stand under the seeds that most do."""
    counts = Counter(entry.seeds for entry in entries)
    most = max(counts, key=lambda seeds: (counts[seeds], len(seeds)))
    return [entry for entry in entries if entry.seeds == most]


def _few(entries: Sequence[Entry]) -> list[str]:
    """Which systems stand under other seeds than most, in a sentence for each such set."""
    whole = _whole(entries)
    found: dict[tuple[int, ...], list[str]] = {}
    for entry in entries:
        if entry not in whole:
            found.setdefault(entry.seeds, []).append(entry.name)
    return [
        f"Measured under seed {', '.join(map(str, seeds))} instead of "
        f"{', '.join(map(str, whole[0].seeds))}, and so not compared with the others: "
        f"{', '.join(names)}."
        for seeds, names in found.items()
    ]


def _pairs(
    entries: Sequence[Entry], shown: Sequence[Board], entrants: Entrants
) -> Iterable[EveryPair]:
    """All pairs of the systems that stand under the same seeds, the best first, by protocol."""
    whole = _whole(entries)
    for board in shown:
        names = {line.system for line in board.lines if line.kind != "failed"}
        there = [entry for entry in whole if entry.name in names]
        try:
            found = every_pair([e.contestant(board.protocol) for e in there], entrants)
        except RunError as error:
            say(f"report: {board.protocol}: systems are not compared: {error}")
            found = []
        place = {line.system: at for at, line in enumerate(board.lines)}
        found.sort(key=lambda pair: (place[pair.better], place[pair.worse]))
        yield EveryPair(board.protocol, tuple(found))


def _against_baselines(
    pairs: Sequence[EveryPair], rows: Sequence[Row], entrants: Entrants
) -> Iterable[ToldApart]:
    for one in pairs:
        mine = _by(rows, one.protocol)
        compared = {name for pair in one.pairs for name in (pair.better, pair.worse)}
        levels = {row.system: level(row) for row in mine if row.system in compared}
        best = best_baseline(list(levels), levels, entrants)
        if best is not None:
            yield against(best, one.pairs, mine, entrants)


def _answering(entries: Sequence[Entry]) -> dict[str, float]:
    """Seconds a question by system, where its measurement is there."""
    each = ((entry.name, seconds_a_question(entry.folders, entry.inside)) for entry in entries)
    return {name: seconds for name, seconds in each if seconds is not None}


def _courses(models: Sequence[tuple[str, Path]]) -> list[Course]:
    """How training went in each system's run; what they share stands once, under no name."""
    each = [(label, course) for label, run in models for course in courses_of(run)]
    courses = [course for _, course in each]
    return [
        course if courses.count(course) > 1 else replace(course, title=f"{label}: {course.title}")
        for place, (label, course) in enumerate(each)
        if course not in courses[:place]
    ]


def _variants(
    entries: Sequence[Entry], models: Sequence[tuple[str, Path]], mark: str
) -> Iterable[Variants]:
    """Systems under other settings, then the ablations and sweeps of each."""
    told = settings_of(entries)
    for label, run in models:
        rows = read_ablations(run.parent) or read_ablations(run)
        told += [(label, list(rows))] if rows else []
    for place, (name, mine) in enumerate(told):
        yield from variants(mine, f"{mark}{place}-", name)


def _galleries(models: Sequence[tuple[str, Path]], users: int, seed: int) -> Iterable[Gallery]:
    """Of each system as it is; under another setting it would be much the same."""
    for label, run in models:
        if SETTING not in label:
            gallery = gallery_of(run, users, seed)
            yield replace(gallery, system=gallery.system or label)


def _qualities(models: Sequence[tuple[str, Path]]) -> Iterable[QualityCard]:
    shown: list[tuple[str, object]] = []
    for label, run in models:
        for card in quality_cards(run):
            if (card.title, card.lines) not in shown:  # gists are shared by many systems
                shown.append((card.title, card.lines))
                yield replace(card, title=f"{card.title} of {label}")
