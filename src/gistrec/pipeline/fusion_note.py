"""What of a run's fusion was not fitted, so that its rows are the model's logit alone."""

from collections.abc import Sequence
from pathlib import Path

from gistrec import schema
from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError, RunError
from gistrec.evaluation.row import Row
from gistrec.pipeline.manifest import find_manifest

# Of each kind of list: the fact of the stage that counts what it is fitted on, and the words.
_KINDS = {
    "sampled": ("users", "sampled candidates", "validation users"),
    "catalogue": ("retrieved_positives", "whole catalogue", "retrieved positives"),
}
_OF_SAMPLED = ("sampled", "cold-sampled")


def unfitted(run: Path, kinds: Sequence[str] = tuple(_KINDS)) -> str:
    """Of which kinds of lists the finished fusion of ``run`` has no weights; empty for none.

    Raises:
        RunError: its manifest is damaged.
    """
    manifest = find_manifest(run / "fusion")
    alone = None if manifest is None else manifest.facts.get("logit_alone")
    if manifest is None or not isinstance(alone, dict):
        return ""
    from gistrec.recommender.fuse import FEWEST

    found = [
        f"{lists} ({manifest.facts.get(fact)} {counted}, of which weights need {FEWEST})"
        for kind, (fact, lists, counted) in _KINDS.items()
        if kind in kinds and alone.get(kind)
    ]
    return f"not fitted: {' and '.join(found)}" if found else ""


def told_of_fusion(run: Path, rows: Sequence[Row]) -> str:
    """A line for a person about a fusion among ``rows`` of ``run`` that is none; else empty."""
    if not (run / schema.CONFIG_FILE).is_file():
        return ""
    try:
        config = load_config(SystemConfig, None, run / schema.CONFIG_FILE)
        protocols = [row.protocol for row in rows if row.system == config.fused]
        kinds = ["sampled" if name in _OF_SAMPLED else "catalogue" for name in protocols]
        why = unfitted(run, kinds) if kinds else ""
    except (ConfigError, RunError) as error:
        return f"note: whether the fusion of {run} was fitted cannot be told: {error}"
    if not why:
        return ""
    below = config.with_evidence if config.evidence.kinds else config.name
    return (
        f"note: {config.fused} in {run}: {why}; there it ranks by the model's logit alone, "
        f"as {below} does"
    )
