"""Which systems can be told apart: signs, corrections, words, and who is compared."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gistrec import schema
from gistrec.cli.main import app
from gistrec.config.evaluation import EvaluationConfig
from gistrec.errors import RunError
from gistrec.evaluation.contestants import Contestant, contestants
from gistrec.evaluation.leaderboard import save_leaderboard
from gistrec.evaluation.pairs import all_pairs, holm
from gistrec.evaluation.ranks import save_ranks
from gistrec.evaluation.row import Measured, make_row


def ranks(places: list[int], candidates: int = 21) -> pl.DataFrame:
    """One question a user: where the positive stands."""
    count = len(places)
    return pl.DataFrame(
        {
            schema.USER_ID: [f"u{number}" for number in range(count)],
            schema.POSITIVE: ["p"] * count,
            schema.RANK: [float(place) for place in places],
            schema.TIES: [0] * count,
            schema.N_CANDIDATES: [candidates] * count,
            schema.AUC: [(candidates - place) / (candidates - 1) for place in places],
            schema.AUC_POOLED: [0.5] * count,
            schema.RETRIEVED: [True] * count,
            schema.HISTORY_LENGTH: [3] * count,
            schema.TARGET_COUNT: [7] * count,
        }
    )


def drawn(good: float, seed: int, count: int = 400) -> pl.DataFrame:
    """A system that has the positive among the first five with this chance."""
    rng = np.random.default_rng(seed)
    return ranks(np.where(rng.random(count) < good, 1, 20).tolist())


GOOD, FAIR = Contestant("good", (drawn(0.8, 0),)), Contestant("fair", (drawn(0.6, 1),))


def test_the_better_of_two_is_found_whoever_comes_first() -> None:
    (one,), (other,) = all_pairs([GOOD, FAIR], "HR@5"), all_pairs([FAIR, GOOD], "HR@5")
    assert one == other
    assert (one.better, one.worse) == ("good", "fair")
    better, worse = (drawn(share, seed)[schema.RANK] < 6 for share, seed in ((0.8, 0), (0.6, 1)))
    assert one.difference.value == pytest.approx(better.sum() / 400 - worse.sum() / 400)
    assert one.difference.low < one.difference.value < one.difference.high
    assert one.wins == (better & ~worse).sum() / 400
    assert one.losses == (worse & ~better).sum() / 400
    assert one.effect == pytest.approx(
        one.difference.value / np.sqrt(one.wins + one.losses - one.difference.value**2)
    )
    assert one.told_apart
    assert one.told().startswith(f"good beats fair by {100 * one.difference.value:.1f} points HR@5")


def test_a_system_cannot_be_told_from_itself() -> None:
    twin = Contestant("twin", GOOD.ranks)
    (pair,) = all_pairs([GOOD, twin], "NDCG@5", resamples=100)
    assert (pair.p, pair.p_holm, pair.effect, pair.wins, pair.losses) == (1.0, 1.0, 0.0, 0.0, 0.0)
    assert pair.told() == (
        "good and twin cannot be told apart: 0.0 points NDCG@5, 95% interval 0.0 to 0.0"
    )


def test_an_interval_without_zero_is_explained_where_the_correction_undoes_it() -> None:
    (pair,) = all_pairs([GOOD, FAIR], "HR@5", resamples=100)
    assert pair.difference.low > 0
    undone = pair.model_copy(update={"p_holm": 0.314})
    assert undone.told().endswith(", too little among so many pairs")


def test_chance_is_seldom_taken_for_a_difference() -> None:
    """Of 100 pairs of equally good systems, some 5 have p below .05."""
    found = [
        all_pairs(
            [
                Contestant("a", (drawn(0.5, 2 * seed, 200),)),
                Contestant("b", (drawn(0.5, 2 * seed + 1, 200),)),
            ],
            "HR@5",
            resamples=400,
        )[0].p
        for seed in range(100)
    ]
    assert 0 < sum(p < 0.05 for p in found) < 13


def test_pairs_are_corrected_for_how_many_are_compared() -> None:
    third = Contestant("third", (drawn(0.75, 5),))
    every = all_pairs([GOOD, FAIR, third], "HR@5", resamples=1000)
    assert len(every) == 3
    assert [pair.p_holm for pair in every] == holm([pair.p for pair in every])
    with_fair = all_pairs([GOOD, FAIR, third], "HR@5", resamples=1000, against="fair")
    assert len(with_fair) == 2
    assert all(
        alone.p_holm <= among.p_holm
        for alone in with_fair
        for among in every
        if (alone.better, alone.worse) == (among.better, among.worse)
    )
    with pytest.raises(RunError, match="no system 'best'; there are good, fair"):
        all_pairs([GOOD, FAIR], "HR@5", against="best")
    with pytest.raises(RunError, match="good is alone"):
        all_pairs([GOOD], "HR@5")


def test_holm_by_hand() -> None:
    # Ordered: 3 x .01, then 2 x .02, then 1 x .03, never below the one before.
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_only_raises_keeps_the_order_and_is_milder_than_bonferroni(p: list[float]) -> None:
    found = holm(p)
    for before, after in zip(p, found, strict=True):
        assert before <= after <= min(1.0, len(p) * before) or after == 1.0
    order = sorted(range(len(p)), key=p.__getitem__)
    assert [found[number] for number in order] == sorted(found)


def measured(folder: Path, systems: dict[str, pl.DataFrame]) -> Path:
    """A run folder with these systems."""
    folder.mkdir(parents=True)
    (folder / schema.CONFIG_FILE).write_text("name: x\n", encoding="utf-8")
    rows = []
    for name, table in systems.items():
        save_ranks(table, folder, name, schema.SAMPLED)
        facts = Measured(
            system=name,
            dataset="d",
            split="users",
            split_fingerprint="f",
            protocol=schema.SAMPLED,
            seeds=(0,),
            seconds=1.0,
            peak_mib=1.0,
        )
        rows.append(make_row(table, facts, EvaluationConfig(resamples=10)))
    save_leaderboard(rows, folder)
    return folder


def test_runs_of_several_seeds_are_pooled(tmp_path: Path) -> None:
    for seed in (0, 1, 10):
        systems = {"good": drawn(0.8, seed), "fair": drawn(0.6, 50 + seed)}
        measured(tmp_path / "run" / f"seed-{seed}", systems)
    good, fair = contestants([tmp_path / "run"], schema.SAMPLED)
    assert (good.name, len(good.ranks), fair.name) == ("good", 3, "fair")
    (pair,) = all_pairs([good, fair], "HR@5", resamples=200)
    assert pair.questions == 1200


def test_systems_of_the_same_name_are_told_by_their_folders(tmp_path: Path) -> None:
    runs = [measured(tmp_path / name, {"good": drawn(0.8, 0)}) for name in ("one", "two")]
    assert [found.name for found in contestants(runs, schema.SAMPLED)] == [
        "good (one)",
        "good (two)",
    ]
    with pytest.raises(RunError, match="measured by 'full'; these runs were measured by sampled"):
        contestants(runs, schema.FULL)


def test_a_seed_that_lacks_a_system_is_named(tmp_path: Path) -> None:
    measured(tmp_path / "run" / "seed-0", {"good": drawn(0.8, 0), "fair": drawn(0.6, 1)})
    measured(tmp_path / "run" / "seed-1", {"good": drawn(0.8, 2)})
    with pytest.raises(RunError, match="seed-1 has no fair"):
        contestants([tmp_path / "run"], schema.SAMPLED)


def test_the_command_prints_a_sentence_a_pair(tmp_path: Path) -> None:
    run = measured(tmp_path / "run", {"good": drawn(0.8, 0), "fair": drawn(0.6, 1)})
    done = CliRunner().invoke(app, ["compare", str(run), "--metric", "HR@5", "--resamples", "200"])
    assert done.exit_code == 0, done.output
    assert "good beats fair by" in done.output
    listed = CliRunner().invoke(app, ["compare", str(run), "--json"])
    assert '"better": "good"' in listed.stdout
