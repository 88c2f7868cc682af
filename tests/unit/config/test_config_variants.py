import pytest

from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.config.variants import (
    LEAN,
    MLLM_MSR,
    MMSRAREC,
    Variant,
    ablations_of,
    parse_ablations,
    parse_sweep,
)
from gistrec.errors import ConfigError
from gistrec.evaluation.printed import MLLM_MSR_TABLES, TABLE_6

OWN = [*(("mmsrarec", one) for one in MMSRAREC), *(("mllm-msr", one) for one in MLLM_MSR)]


@pytest.mark.parametrize(("system", "variant"), OWN, ids=str)
def test_an_ablation_is_a_configuration_of_its_own(system: str, variant: Variant) -> None:
    base = load_config(SystemConfig, system)
    changed = load_config(SystemConfig, system, None, variant.overrides)
    assert changed != base
    lean = load_config(SystemConfig, system, None, [*variant.overrides, *LEAN])
    assert (lean.evidence.kinds, lean.fusion.on, lean.baselines.names) == ((), False, ())
    assert lean.recommender == changed.recommender


def test_every_printed_row_but_the_full_one_is_an_ablation_here() -> None:
    for printed, variants in ((TABLE_6, MMSRAREC), (MLLM_MSR_TABLES, MLLM_MSR)):
        known = ["full", *(variant.name for variant in variants)]
        for rows in printed.rows.values():
            assert list(rows) == [name for name in known if name in rows]
            assert {"full", "without-fine-tuning"} < set(rows)
            assert all(0 < value < 1 for row in rows.values() for value in row)
            assert all(len(row) == len(printed.metrics) for row in rows.values())


def test_ablations_are_named_or_all_of_them() -> None:
    config = load_config(SystemConfig, "mmsrarec")
    assert parse_ablations("all", config) == list(MMSRAREC)
    assert ablations_of(load_config(SystemConfig, "mllm-msr")) == MLLM_MSR
    named = parse_ablations("without-rlvr, gru4rec-retrieval,without-rlvr", config)
    assert [variant.name for variant in named] == ["without-rlvr", "gru4rec-retrieval"]


@pytest.mark.parametrize(("text", "near"), [("without-rlv", "without-rlvr"), ("", "all")])
def test_an_unknown_ablation_is_answered_with_those_there_are(text: str, near: str) -> None:
    with pytest.raises(ConfigError, match=near):
        parse_ablations(text, load_config(SystemConfig, "mmsrarec"))


def test_a_taste_is_not_told_directly_where_none_is_told() -> None:
    with pytest.raises(ConfigError, match=r"--ablate direct: .*mmsrarec tells none"):
        parse_ablations("without-rlvr,direct", load_config(SystemConfig, "mmsrarec"))
    (direct,) = parse_ablations("direct", load_config(SystemConfig, "mllm-msr"))
    assert direct.overrides == ("taste.kind=direct",)


def test_a_sweep_has_a_variant_for_each_value() -> None:
    swept = parse_sweep("history=1,3,10,3")
    assert [variant.overrides for variant in swept] == [
        ("recommender.history=1",),
        ("recommender.history=3",),
        ("recommender.history=10",),
    ]
    assert {variant.group for variant in swept} == {"recommender.history"}
    assert swept[0].name == "recommender.history-1"
    assert parse_sweep("neighbours=0")[0].overrides == ("collab.neighbours=0",)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("recommender.candidate=[title],[title, gist]", [("title",), ("title", "gist")]),
        ("recommender.learning_rate=1e-3,2e-3", [1e-3, 2e-3]),
        ("recommender.loss=pairwise,listwise", ["pairwise", "listwise"]),
        ("recommender.max_windows=null,5", [None, 5]),
    ],
)
def test_values_of_any_kind_are_swept(text: str, read: list[object]) -> None:
    key = text.partition("=")[0].split(".")[1]
    found = [
        getattr(load_config(SystemConfig, "mmsrarec", None, variant.overrides).recommender, key)
        for variant in parse_sweep(text)
    ]
    assert found == read
    assert all("/" not in variant.name and " " not in variant.name for variant in parse_sweep(text))


@pytest.mark.parametrize("text", ["history", "history=", "=1,2", "history=[1", "history=1: 2: 3"])
def test_a_sweep_that_cannot_be_read_says_how_it_is_written(text: str) -> None:
    with pytest.raises(ConfigError, match="for example history=1,3,5"):
        parse_sweep(text)


def test_values_that_would_share_a_folder_are_refused() -> None:
    with pytest.raises(ConfigError, match="sweep them apart"):
        parse_sweep("backbone.model=a/b,a_b")


@pytest.mark.parametrize("key", ["evidence.latest", "fusion.l2", "fusion.on", "baselines.names"])
def test_a_sweep_that_would_change_nothing_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key} does not change"):
        parse_sweep(f"{key}=1,2")
    assert parse_sweep("baselines.sasrec.width=32")
