"""Searches on a small shop, for real: test users stay out, killed ones go on, stages are shared."""

from pathlib import Path

import polars as pl
import pytest
from search_cases import drawn_log, named_users, recipe, shop

from gistrec import schema
from gistrec.config.load import load_config
from gistrec.config.search import Choice, Range, SearchRequest, Space
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import open_dataset
from gistrec.data.split import make_split
from gistrec.errors import ConfigError, DataError, RunError
from gistrec.evaluation.metrics import mean, metric_values
from gistrec.evaluation.protocol import rank_queries
from gistrec.evaluation.search import SearchRecord, find_search
from gistrec.pipeline.baselines import open_baseline
from gistrec.pipeline.search import search as searching
from gistrec.pipeline.search.search import search, trial_folder
from gistrec.pipeline.search.searches import search_all
from gistrec.pipeline.variants import Recipe


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("shop") / "dataset", drawn_log())


def values(record: SearchRecord) -> list[float | None]:
    return [trial.value for trial in record.trials]


def test_the_first_trial_is_the_default_and_its_value_is_that_of_the_validation_users(
    dataset: Path, tmp_path: Path
) -> None:
    asked = recipe("itemknn", dataset)
    record = search(asked, SearchRequest(trials=3), tmp_path / "s")
    config = asked.config()
    assert record.trials[0].settings == {
        "baselines.itemknn.neighbours": config.baselines.itemknn.neighbours,
        "baselines.itemknn.popularity_weight": config.baselines.itemknn.popularity_weight,
    }
    assert len({str(trial.settings) for trial in record.trials}) == 3
    opened = open_dataset(dataset)
    split = make_split(opened, config.split)
    ranker = open_baseline(trial_folder(tmp_path / "s", 0), "itemknn")
    ranks = rank_queries(ranker, split.valid, schema.SAMPLED, opened.item_ids, split.train_counts)
    assert record.default == mean(metric_values(ranks, "NDCG@5"))
    assert record.users == len(split.valid)
    assert (record.ended_by, len(record.ended)) == ("trials", 3)


@pytest.mark.parametrize("system", ["ease", "sasrec"])
def test_what_test_users_did_changes_nothing(system: str, dataset: Path, tmp_path: Path) -> None:
    split = make_split(open_dataset(dataset), recipe(system, dataset).config().split)
    tested = split.test.histories.users.to_list()
    log = drawn_log()
    is_tested = pl.col(schema.USER_ID).is_in(tested)
    turned = log.with_columns(
        pl.when(is_tested)
        .then(pl.col(schema.ITEM_ID).reverse().over(schema.USER_ID))
        .otherwise(schema.ITEM_ID)
    )
    assert not turned.equals(log)
    other = shop(tmp_path / "other", turned)
    request = SearchRequest(trials=2, protocol="full")
    one = search(recipe(system, dataset), request, tmp_path / "one")
    two = search(recipe(system, other), request, tmp_path / "two")
    assert values(one) == values(two)
    assert [trial.settings for trial in one.trials] == [trial.settings for trial in two.trials]
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert not named_users(folder) & set(tested)
        assert named_users(folder) >= set(split.valid.histories.users)


@pytest.mark.parametrize("stopped_at", [0, 2])
def test_a_search_that_is_killed_goes_on_as_if_it_had_not_been(
    stopped_at: int, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = SearchRequest(trials=7)  # beyond those that are drawn at random
    whole = search(recipe("itemknn", dataset), request, tmp_path / "whole")
    measured = searching._measured

    def killed(*given: object) -> tuple[float, int]:
        value = measured(*given)  # type: ignore[arg-type]
        if given[2].number == stopped_at:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return value

    monkeypatch.setattr(searching, "_measured", killed)
    with pytest.raises(KeyboardInterrupt):
        search(recipe("itemknn", dataset), request, tmp_path / "s")
    monkeypatch.undo()
    begun = find_search(tmp_path / "s")
    assert begun is not None
    assert [trial.state for trial in begun.trials] == ["done"] * stopped_at + ["running"]
    assert begun.trials[-1].seconds > 0
    again = search(recipe("itemknn", dataset), request, tmp_path / "s")
    assert values(again) == values(whole)
    assert [trial.settings for trial in again.trials] == [t.settings for t in whole.trials]
    assert again.trials[stopped_at].seconds > begun.trials[-1].seconds


def test_a_search_grows_and_a_smaller_budget_is_told_of_its_first_trials(
    dataset: Path, tmp_path: Path
) -> None:
    asked = recipe("ease", dataset)
    two = search(asked, SearchRequest(trials=2), tmp_path)
    four = search(asked, SearchRequest(trials=4), tmp_path)
    assert four.trials[:2] == two.trials
    assert search(asked, SearchRequest(trials=2), tmp_path).trials == two.trials
    brief = search(asked, SearchRequest(trials=4, seconds_each=1e-6), tmp_path)
    assert (brief.ended_by, brief.trials) == ("seconds", four.trials[:1])
    kept = find_search(tmp_path)
    assert kept is not None
    assert kept.trials == four.trials


def test_a_folder_of_another_search_is_refused(dataset: Path, tmp_path: Path) -> None:
    search(recipe("ease", dataset), SearchRequest(trials=1), tmp_path)
    for asked, request in (
        (recipe("ease", dataset, "split.seed=1"), SearchRequest(trials=1)),
        (recipe("ease", dataset), SearchRequest(trials=1, metric="HR@5")),
        (recipe("ease", dataset), SearchRequest(trials=1, seed=1)),
    ):
        with pytest.raises(RunError, match="name another --out"):
            search(asked, request, tmp_path)


def test_a_trial_that_fails_is_recorded_and_counts(dataset: Path, tmp_path: Path) -> None:
    heads = Choice(setting="baselines.sasrec.heads", values=(2, 3, 4, 5))  # for a width of 32
    request, space = SearchRequest(trials=6), Space(parameters=(heads,))
    record = search(recipe("sasrec", dataset), request, tmp_path, space)
    assert len(record.trials) == 6
    assert 0 < len(record.failed) < 6
    for trial in record.trials:
        fits = trial.settings["baselines.sasrec.heads"] in (2, 4)
        assert (trial.state, trial.message is None) == (("done" if fits else "failed"), fits)
        assert fits or "must divide width (32)" in (trial.message or "")


def test_own_settings_that_cannot_run_end_the_search_at_once(tmp_path: Path) -> None:
    few = drawn_log().filter(pl.col(schema.USER_ID) == "u00")
    lone = shop(tmp_path / "lone", few)
    with pytest.raises(DataError):
        search(recipe("ease", lone), SearchRequest(trials=5), tmp_path / "s")
    begun = find_search(tmp_path / "s")
    assert begun is not None
    assert begun.ended == ()


def test_stages_that_do_not_change_are_taken_over(dataset: Path, tmp_path: Path) -> None:
    search(recipe("sasrec", dataset), SearchRequest(trials=2), tmp_path)
    first, second = (trial_folder(tmp_path, number) for number in range(2))
    assert (second / "split/manifest.json").samefile(first / "split/manifest.json")
    fitted = "baseline-sasrec/manifest.json"
    assert not (second / fitted).samefile(first / fitted)


def test_every_system_has_the_same_budget_and_the_best_is_a_configuration(
    dataset: Path, tmp_path: Path
) -> None:
    systems = ["popularity", "itemknn", "ease"]
    recipes = [recipe(system, dataset) for system in systems]
    records = search_all(recipes, SearchRequest(trials=3), tmp_path)
    assert [(one.ended_by, len(one.trials)) for one in records] == [
        ("nothing to search", 1),
        ("trials", 3),
        ("trials", 3),
    ]
    for record in records:
        for file in (tmp_path / record.system / "best.yaml", tmp_path / "best.yaml"):
            config = load_config(SystemConfig, record.system, file)
            assert config.split.asks == "test"
            assert config.split.negatives == 9
            best = record.best
            assert best is not None
            for setting, value in best.settings.items():
                _, section, key = setting.split(".")
                assert getattr(getattr(config.baselines, section), key) == value
    made = Recipe("ease", dataset, tmp_path / "best.yaml", ())
    made.make(tmp_path / "run")
    assert named_users(tmp_path / "run" / "ranks").isdisjoint(named_users(tmp_path / "ease"))


def test_settings_on_which_two_systems_differ_stand_in_no_common_file(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = Range(setting="baselines.ease.l2", low=1, high=1e4, log=True)
    spaces = {name: Space(parameters=(shared,)) for name in ("ease", "popularity")}
    recipes = [recipe("ease", dataset), recipe("popularity", dataset, "baselines.ease.l2=3.0")]
    search_all(recipes, SearchRequest(trials=1), tmp_path, spaces)
    assert not (tmp_path / "best.yaml").exists()
    assert (tmp_path / "popularity" / "best.yaml").exists()
    assert "differ in baselines.ease.l2" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="ease is named twice"):
        search_all(recipes[:1] * 2, SearchRequest(trials=1), tmp_path)
