"""What a run's figures rest on, for those who hold printed ones against them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gistrec import schema
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import GistrecError
from gistrec.evaluation.report.board import level
from gistrec.evaluation.report.cards import DatasetCard
from gistrec.evaluation.report.printed_panel import PrintedPanel, Surroundings, printed_panel
from gistrec.evaluation.row import Row
from gistrec.pipeline.manifest import find_manifest

_NEGATIVES = 20


def papers_beside(
    runs: Sequence[Path],
    rows: Sequence[Row],
    dataset: DatasetCard | None,
    answering: Mapping[str, float],
) -> PrintedPanel | None:
    """Printed figures beside the rows of runs, and what differs; None where papers print none.

    Args:
        runs: whose backbones and settings stand for those of the rows.
        rows: of any protocols; papers ask by the sampled one.
        dataset: None where it is gone.
        answering: seconds a question by system, where they are known.
    """
    asked = sorted((row for row in rows if row.protocol == schema.SAMPLED), key=level, reverse=True)
    if not asked:
        return None
    around = Surroundings(
        asked[0].dataset,
        None if dataset is None else dataset.size,
        asked[0].split,
        _negatives(runs[0]),
        " and ".join(dict.fromkeys(filter(None, map(backbone_told, runs)))),
    )
    return printed_panel(asked, around, answering)


def backbone_told(run: Path) -> str:
    """The language model of a run, in words; "" where it has none."""
    manifest = find_manifest(run / "backbone")
    if manifest is None or not isinstance(manifest.config, dict):
        return ""
    name, held = manifest.config.get("model"), manifest.facts.get("parameters")
    size = f" of {held / 1e6:,.1f} million parameters" if isinstance(held, int) else ""
    if name == "embedded":
        return f"the embedded backbone{size}, made from scratch in a warm start"
    return f"{name}{size}"


def _negatives(run: Path) -> int:
    try:
        return load_config(SystemConfig, None, run / schema.CONFIG_FILE).split.negatives
    except GistrecError:
        return _NEGATIVES  # an earlier gistrec wrote its settings otherwise
