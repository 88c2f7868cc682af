"""Systems of a study that stand under several settings, each held against the system as it is."""

from collections.abc import Iterator, Sequence

from gistrec import schema
from gistrec.config.evaluation import EvaluationConfig
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.config.variants import FULL, Variant
from gistrec.errors import GistrecError, RunError
from gistrec.evaluation.ablations import AblationRow
from gistrec.evaluation.printed_systems import SETTING
from gistrec.evaluation.protocol import PROTOCOLS
from gistrec.evaluation.report.variants import SETTINGS, TRANSFER
from gistrec.evaluation.table import ORACLE
from gistrec.pipeline.ablation_rows import Subject, ablation_rows
from gistrec.pipeline.study.entries import Entry
from gistrec.progress import say


def settings_of(entries: Sequence[Entry]) -> list[tuple[str, list[AblationRow]]]:
    """Systems with their rows under every setting, themselves first, paired by user with these.

    A system that labels tell apart as ``name / setting`` is held against ``name``, where that was
    asked the same questions under the same seeds. What was fine-tuned in another run stands in
    rows of its own, with the baselines that were trained here.
    """
    found = []
    for full in entries:
        alike = [one for one in entries if one.seeds == full.seeds]
        changed = [one for one in alike if one.name.startswith(f"{full.name}{SETTING}")]
        moved = [one for one in changed if _taken_over(one)]
        here = [one for one in changed if one not in moved]
        baselines = [one for one in alike if not one.own and one.inside not in (ORACLE, full.name)]
        if moved:
            found.append((full.name, list(_rows(full, [*moved, *baselines], TRANSFER))))
        if here:
            found.append((full.name, list(_rows(full, here, SETTINGS))))
    return [(name, rows) for name, rows in found if rows]


def _rows(full: Entry, changed: Sequence[Entry], group: str) -> Iterator[AblationRow]:
    itself = _subject(full, group, FULL)
    subjects = [itself, *(_subject(one, group, _setting(one.name, full.name)) for one in changed)]
    try:
        rows = ablation_rows(subjects, itself, EvaluationConfig(), full.seeds)
    except RunError as error:
        say(f"report: {full.name}: settings are not compared: {error}")
        return
    yield from sorted(rows, key=lambda row: PROTOCOLS.index(row.protocol))


def _setting(name: str, full: str) -> str:
    return name.removeprefix(f"{full}{SETTING}")


def _subject(entry: Entry, group: str, name: str) -> Subject:
    return Subject(Variant(name, group, "", ()), entry.inside, tuple(entry.folders), name == FULL)


def _taken_over(entry: Entry) -> bool:
    """Whether its backbone or its recommender is that of another run."""
    try:
        config = load_config(SystemConfig, None, entry.folders[0] / schema.CONFIG_FILE)
    except GistrecError:
        return False  # an earlier gistrec wrote its settings, and took nothing over
    return config.recommender.from_run is not None
