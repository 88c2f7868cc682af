"""Systems of a study that stand under several settings, each held against the system as it is."""

from collections.abc import Sequence

from gistrec.config.evaluation import EvaluationConfig
from gistrec.config.variants import FULL, Variant
from gistrec.errors import RunError
from gistrec.evaluation.ablations import AblationRow
from gistrec.evaluation.printed_systems import SETTING
from gistrec.evaluation.protocol import PROTOCOLS
from gistrec.evaluation.report.variants import SETTINGS
from gistrec.pipeline.ablation_rows import Subject, ablation_rows
from gistrec.pipeline.study_entries import Entry
from gistrec.progress import say


def settings_of(entries: Sequence[Entry]) -> dict[str, list[AblationRow]]:
    """By system, its rows under every setting, itself first, paired by user with itself.

    A system that is told apart by ``name / setting`` labels is held against ``name``, where that
    was asked the same questions under the same seeds.
    """
    found = {}
    for full in entries:
        changed = [
            entry
            for entry in entries
            if entry.name.startswith(f"{full.name}{SETTING}") and entry.seeds == full.seeds
        ]
        if not changed:
            continue
        itself = _subject(full, FULL)
        subjects = [itself, *(_subject(one, one.name.partition(SETTING)[2]) for one in changed)]
        try:
            rows = ablation_rows(subjects, itself, EvaluationConfig(), full.seeds)
            found[full.name] = sorted(rows, key=lambda row: PROTOCOLS.index(row.protocol))
        except RunError as error:
            say(f"report: {full.name}: settings are not compared: {error}")
    return found


def _subject(entry: Entry, name: str) -> Subject:
    return Subject(
        Variant(name, SETTINGS, "", ()), entry.inside, tuple(entry.folders), name == FULL
    )
