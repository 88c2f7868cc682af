"""Variants, and the full system that each of them is a change of."""

from pathlib import Path

import polars as pl

from gistrec.cli.doctor import run_findings
from gistrec.config.variants import ABLATION, Variant
from gistrec.data.dataset import Card, write_dataset
from gistrec.pipeline.compared import earlier_variants
from gistrec.pipeline.variants import Recipe, run_variants

SETTINGS = ("baselines.names=[popularity]", "split.negatives=3", "evaluation.resamples=20")


def test_a_variant_of_an_earlier_full_system_is_not_just_done(tmp_path: Path) -> None:
    items = [f"i{code}" for code in range(16)]
    rows = [(f"u{user}", items[(user + k) % 16], k) for user in range(12) for k in range(4)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    catalogue = pl.DataFrame({"item_id": items, "title": items})
    dataset = write_dataset(tmp_path / "dataset", catalogue, log, Card("small")).folder
    run = tmp_path / "run"
    recipe = Recipe("popularity", dataset, None, SETTINGS)
    variants = [Variant(name, ABLATION, "", (f"split.seed={name[-1]}",)) for name in ("a1", "a2")]

    def told() -> dict[str, tuple[str, str]]:
        found = [one for one in run_findings(run) if one.text.startswith("variant ")]
        return {
            one.text.split(":")[0][8:]: (one.state, one.text.split(": ", 1)[1]) for one in found
        }

    recipe.make(run)
    run_variants(recipe, run, variants)
    assert earlier_variants(run) == []
    assert told() == {"a1": ("ok", "done"), "a2": ("ok", "done")}

    changed = Recipe("popularity", dataset, None, (*SETTINGS, "evaluation.resamples=30"))
    changed.make(run)
    assert earlier_variants(run) == ["a1", "a2"]
    earlier = ("off", "done, of an earlier full system: give --ablate or --sweep again")
    assert told() == {"a1": earlier, "a2": earlier}
    run_variants(changed, run, variants[1:])
    assert told() == {"a1": earlier, "a2": ("ok", "done")}

    for name in ("a1", "a2"):  # as earlier versions left them, with no comparison that stands
        (run / "variants" / name / ".full.json").unlink()
    assert earlier_variants(run) == ["a1", "a2"]
