"""Stages `evaluation-<system>`: every system asked the same questions; then one leaderboard."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gistrec import schema
from gistrec.config.evaluation import Protocol
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker
from gistrec.data.split import Split
from gistrec.errors import ConfigError
from gistrec.evaluation.leaderboard import save_leaderboard
from gistrec.evaluation.protocol import rank_queries
from gistrec.evaluation.ranks import load_ranks, ranks_file, save_ranks
from gistrec.evaluation.row import Measured, Row, make_row
from gistrec.files import written_aside
from gistrec.pipeline.manifest import Facts, read_manifest, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace

AnyRanker = TypeVar("AnyRanker", bound=Ranker)


def asked_protocols(work: Workplace, split: Split) -> dict[Protocol, Queries]:
    """The questions of every protocol that the configuration names and the split can ask.

    Raises:
        ConfigError: the split can ask none of them.
    """
    questions: dict[Protocol, Queries | None] = {
        schema.FULL: split.test,
        schema.SAMPLED: split.test,
        schema.COLD_FULL: split.cold,
        schema.COLD_SAMPLED: split.cold,
    }
    asked = {name: questions[name] for name in work.config.evaluation.protocols}
    answerable = {name: queries for name, queries in asked.items() if queries is not None}
    if not answerable:
        named = ", ".join(asked)
        message = f"evaluation.protocols names only {named}, and the split has no cold items: "
        raise ConfigError(message + "set split.cold_fraction above 0, or add the protocol full")
    return answerable


def evaluate_system(
    work: Workplace,
    split: Split,
    system: str,
    open_ranker: Callable[[], AnyRanker],
    trained: tuple[str, ...],
    seeds: tuple[int, ...],
    report: Callable[[AnyRanker, Mapping[Protocol, Queries]], Facts] | None = None,
    keep: Callable[[AnyRanker, Path], None] | None = None,
) -> list[Row]:
    """Rank every question by one system, or read its ranks; one row a protocol.

    Args:
        work: the run.
        split: the questions.
        system: how the leaderboard calls it.
        open_ranker: opens the ranker; called only where ranks are missing.
        trained: the stages whose making the system costs, the last of them its own.
        seeds: what it was trained with.
        report: facts of its own about the questions of each protocol.
        keep: writes more into the stage's folder, after each protocol and before its ranks.
    """
    questions = asked_protocols(work, split)
    config = work.config.evaluation

    def build(folder: Path) -> Facts:
        ranker = open_ranker()
        for protocol, queries in questions.items():
            if ranks_file(folder, system, protocol).exists():
                continue  # an interrupted attempt got so far
            ranks = rank_queries(
                ranker,
                queries,
                protocol,
                work.dataset.item_ids,
                split.train_counts,
                config.chunk,
            )
            if keep:
                keep(ranker, folder)
            save_ranks(ranks, folder, system, protocol)
        return report(ranker, questions) if report else {}

    inputs = {"split": split.fingerprint, "dataset": work.dataset.fingerprint}
    inputs |= {name: stage_fingerprint(work.run / name) for name in trained}
    folder = run_stage(work.run, f"evaluation-{system}", config.deciding(), inputs, build)
    manifests = [read_manifest(work.run / name) for name in (*trained, folder.name)]
    rows = []
    for protocol in questions:
        measured = Measured(
            system=system,
            dataset=work.dataset.card.name,
            split=split.kind,
            split_fingerprint=split.fingerprint,
            protocol=protocol,
            seeds=seeds,
            seconds=round(sum(manifest.seconds for manifest in manifests), 1),
            peak_mib=max(manifest.peak_mib for manifest in manifests),
        )
        rows.append(make_row(load_ranks(folder, system, protocol), measured, config))
    return rows


def publish_leaderboard(
    work: Workplace, rows: Mapping[str, list[Row]], served: Sequence[Row] = ()
) -> list[Row]:
    """Write ``leaderboard.json`` and the ranks of every system beside it.

    Args:
        work: the run.
        rows: of every system of the run.
        served: those of a server, whose ranks are in place.
    """
    for system, measured in rows.items():
        for row in measured:
            source = ranks_file(work.run / f"evaluation-{system}", system, row.protocol)
            with written_aside(ranks_file(work.run, system, row.protocol)) as aside:
                shutil.copyfile(source, aside)
    flat = [*(row for measured in rows.values() for row in measured), *served]
    save_leaderboard(flat, work.run)
    return flat
