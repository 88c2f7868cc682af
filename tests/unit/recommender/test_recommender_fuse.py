from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fusion_cases import CANDIDATES, chosen_lists, drawn_signals
from hypothesis import given, settings
from hypothesis import strategies as st

from gistrec.config.fusion import FusionConfig
from gistrec.errors import RunError
from gistrec.recommender.calibration import standardised, unweighted_terms
from gistrec.recommender.fuse import (
    Fusion,
    FusionLists,
    fit_calibration,
    fit_fusion,
    likeliest_weights,
    load_fusion,
    log_likelihoods,
    save_fusion,
)
from gistrec.recommender.fusion_check import held_out_gain, ndcg

PLAIN = FusionConfig(by_frequency=False, l2=0)
weight = st.floats(min_value=-1.5, max_value=1.5)


@settings(max_examples=15)
@given(weights=st.lists(weight, min_size=4, max_size=4), seed=st.integers(0, 1000))
def test_a_calibration_recovers_the_weights_that_made_the_choices(
    weights: list[float], seed: int
) -> None:
    lists = chosen_lists(4000, np.array(weights), seed)
    found = fit_calibration(lists, PLAIN)
    assert [term.weight for term in found.terms[:3]] == pytest.approx(weights[:3], abs=0.2)
    # Where unknown items are hardly ever chosen, nobody can say by how much.
    features = standardised(unweighted_terms(lists.signals, False), lists.signals)
    true = np.exp(log_likelihoods(features @ np.array(weights), lists.offsets).mean())
    assert found.likelihood == pytest.approx(true, abs=0.01)
    assert found.likelihood >= true - 1e-6


def test_a_logit_that_counts_more_for_rare_items_is_recovered() -> None:
    weights = np.array([0.5, 1.0, 0.3, 0.0, 0.8])
    lists = chosen_lists(20_000, weights, 1)
    found = fit_calibration(lists, FusionConfig(l2=0))
    assert [term.weight for term in found.terms] == pytest.approx(weights, abs=0.1)
    assert found.terms[-1].name == "logit x rarity"


@settings(max_examples=25)
@given(
    weights=st.lists(weight, min_size=5, max_size=5),
    users=st.integers(1, 60),
    l2=st.sampled_from([1e-3, 1e-1]),
)
def test_a_calibration_is_never_less_likely_than_its_best_feature_alone(
    weights: list[float], users: int, l2: float
) -> None:
    lists = chosen_lists(users, np.array(weights), users)
    features = standardised(unweighted_terms(lists.signals, True), lists.signals)

    def worth(columns: list[int]) -> float:
        part = features[:, columns]
        found = likeliest_weights(part, lists.offsets, l2)
        likely = log_likelihoods(part @ found, lists.offsets).mean()
        return float(likely - l2 / 2 * found @ found)

    together = worth([0, 1, 2, 3, 4])
    assert all(together >= worth([column]) - 1e-6 for column in range(5))


def test_the_likelihood_is_a_softmax_over_each_list_of_its_own() -> None:
    values = np.array([1.0, 0.0, 2.0, 5.0])
    found = log_likelihoods(values, np.array([0, 3, 4]))
    first = np.exp(1) / (np.exp(1) + np.exp(0) + np.exp(2))
    np.testing.assert_allclose(np.exp(found), [first, 1.0])


def test_large_values_keep_the_likelihood_finite() -> None:
    found = log_likelihoods(np.array([1e4, 0.0, -1e4, 1e4]), np.array([0, 2, 4]))
    np.testing.assert_allclose(found, [0.0, -2e4])


def test_the_same_lists_give_the_same_calibration() -> None:
    lists = chosen_lists(100, np.array([1.0, 0.5, 0.0, 0.0, 0.2]), 3)
    assert fit_calibration(lists, FusionConfig()) == fit_calibration(lists, FusionConfig())


def test_the_scale_of_the_scores_changes_nothing() -> None:
    lists = chosen_lists(200, np.array([1.0, 0.5, 0.0, 0.0]), 4)
    other = replace(lists.signals, logit=7 * lists.signals.logit + 100)
    first, second = (
        fit_calibration(replace(lists, signals=signals), PLAIN)
        for signals in (lists.signals, other)
    )
    assert [t.weight for t in first.terms] == pytest.approx(
        [t.weight for t in second.terms], abs=1e-4
    )
    np.testing.assert_allclose(first.value(lists.signals), second.value(other), atol=1e-3)


def test_an_encoder_says_nothing_of_what_the_log_does_not_hold() -> None:
    lists = chosen_lists(300, np.array([1.0, 1.0, 0.0, 0.0]), 5)
    fitted = fit_calibration(lists, PLAIN)
    signals = drawn_signals(50, np.random.default_rng(9))
    wild = signals.encoder + 1e6 * (signals.counts == 0)
    assert (signals.counts == 0).any()
    told_lies = type(signals)(signals.logit, wild, signals.counts)
    np.testing.assert_array_equal(fitted.value(signals), fitted.value(told_lies))
    wild_lists = type(lists)(
        lists.users,
        lists.offsets,
        type(signals)(
            lists.signals.logit,
            np.where(lists.signals.counts == 0, 1e6, lists.signals.encoder),
            lists.signals.counts,
        ),
    )
    assert fit_calibration(wild_lists, PLAIN) == fitted


def test_features_that_never_differ_get_no_weight() -> None:
    lists = chosen_lists(50, np.array([1.0, 0.0, 0.0, 0.0]), 6)
    known = type(lists.signals)(
        lists.signals.logit, np.zeros(len(lists.signals)), np.full(len(lists.signals), 3)
    )
    found = fit_calibration(type(lists)(lists.users, lists.offsets, known), PLAIN)
    weights = {term.name: term.weight for term in found.terms}
    idle = [weights[name] for name in ("encoder", "popularity", "unknown")]
    assert idle == pytest.approx([0, 0, 0], abs=1e-9)
    assert weights["logit"] > 0.5


@pytest.mark.parametrize(("sampled", "full"), [(100, 19), (100, 0), (19, 6), (20, 20)])
def test_on_fewer_than_twenty_lists_the_score_is_the_logit_alone_and_it_is_said(
    sampled: int, full: int
) -> None:
    many = chosen_lists(100, np.array([1.0, 1.0, 0.0, 0.0]), 7)
    lists = FusionLists(many.take(np.arange(sampled)), many.take(np.arange(full)))
    fusion = fit_fusion(lists, FusionConfig())
    told = fusion.told(lists)
    parts = (
        (sampled, fusion.of_sampled, told[0], "validation users"),
        (full, fusion.of_catalogue, told[1], "retrieved positives"),
    )
    for count, score, line, what in parts:
        alone = np.array_equal(score(many.signals), many.signals.logit)
        assert alone == (count < 20)
        said = f"the model's logit alone: {count} {what}, of which weights need 20"
        assert (said in line) == alone
        assert (f"fitted on {count} users" in line) == (not alone)
    assert bool(held_out_gain(lists.sampled, FusionConfig(), 0)) == (sampled >= 20)


def test_no_validation_user_is_one_clear_message() -> None:
    lists = chosen_lists(3, np.array([1.0, 1.0, 0.0, 0.0]), 7)
    with pytest.raises(RunError, match=r"fusion\.on=false"):
        fit_fusion(FusionLists(lists.take([]), lists.take([])), FusionConfig())


def test_a_fusion_comes_back_from_its_file(tmp_path: Path) -> None:
    lists = chosen_lists(60, np.array([1.0, 1.0, 0.0, 0.0]), 8)
    for full in (lists, lists.take([])):
        fusion = fit_fusion(FusionLists(lists, full), FusionConfig())
        save_fusion(fusion, tmp_path / "fusion.json")
        assert load_fusion(tmp_path / "fusion.json") == fusion
    (tmp_path / "fusion.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="damaged"):
        load_fusion(tmp_path / "fusion.json")
    assert isinstance(fusion, Fusion)


def test_what_a_fusion_gains_is_measured_on_users_it_was_not_fitted_on() -> None:
    lists = chosen_lists(1000, np.array([1.0, 1.0, 0.0, 0.0]), 10)
    gain = held_out_gain(lists, FusionConfig(), seed=0)
    assert gain["users"] == 1000
    assert gain["over_encoder"] == gain["fusion"] - gain["encoder"] > 0.05
    assert gain["over_logit"] == gain["fusion"] - gain["logit"] > 0.05
    blind = chosen_lists(1000, np.zeros(4), 11)
    chance = float(np.mean([1 / np.log2(1 + r) for r in range(1, 6)])) * 5 / CANDIDATES
    assert held_out_gain(blind, FusionConfig(), seed=0)["fusion"] == pytest.approx(chance, abs=0.04)
    assert held_out_gain(lists.take([0]), FusionConfig(), seed=0) == {}


def test_a_tie_costs_half_a_place_of_the_ndcg() -> None:
    values = np.array([1.0, 1.0, 0.0, 3.0, 4.0, 5.0])
    found = ndcg(values, np.array([0, 3, 6]))
    np.testing.assert_allclose(found, [1 / np.log2(2.5), 1 / np.log2(4)])
