import numpy as np
import polars as pl
import pytest

from gistrec.baselines.oracle import Oracle
from gistrec.config.bazaar import BazaarConfig
from gistrec.data.bazaar.make import write_bazaar
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError

CANDIDATES = 21


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_bazaar(tmp_path_factory.mktemp("bazaar") / "shop", BazaarConfig(users=400))


@pytest.fixture(scope="module")
def oracle(dataset):
    return Oracle.open(dataset)


def last_item_queries(dataset):
    """Histories without the last item, and candidates with that item in column 0."""
    whole = dataset.sequences()
    rng = np.random.default_rng(0)
    candidates = np.empty((len(whole), CANDIDATES), dtype=np.int32)
    for row, own in enumerate(whole):
        others = np.setdiff1d(np.arange(dataset.n_items), own)
        candidates[row] = [own[-1], *rng.choice(others, CANDIDATES - 1, replace=False)]
    return whole.prefixes(np.arange(len(whole)), whole.lengths - 1), candidates


def test_hits_far_above_chance(dataset, oracle):
    histories, candidates = last_item_queries(dataset)
    scores = oracle.score(histories, candidates)
    hits = (scores[:, 1:] > scores[:, :1]).sum(axis=1) < 5
    chance = 5 / CANDIDATES
    assert hits.mean() > chance + 0.65
    assert hits.mean() < 1.0  # impulse purchases follow no taste


def test_whole_catalogue_and_candidates_agree(dataset, oracle):
    histories, candidates = last_item_queries(dataset)
    whole = oracle.score(histories, None)
    assert whole.shape == (len(histories), dataset.n_items)
    assert whole.dtype == np.float32
    assert np.isfinite(whole).all()
    some = oracle.score(histories, candidates)
    assert (some == np.take_along_axis(whole, candidates.astype(np.int64), axis=1)).all()


def test_what_was_bought_stands_behind_everything(dataset, oracle):
    histories, _ = last_item_queries(dataset)
    whole = oracle.score(histories.take([3]), None)[0]
    bought = np.isin(np.arange(dataset.n_items), histories[3])
    assert whole[bought].max() < whole[~bought].min()


def test_knows_the_moment_and_not_only_the_user(dataset, oracle):
    whole = dataset.sequences()
    early = oracle.score(whole.prefixes(np.arange(400), np.full(400, 1)), None)
    late = oracle.score(whole.prefixes(np.arange(400), whole.lengths), None)
    unbought = np.ones_like(early, dtype=bool)
    unbought[whole.rows(), whole.items] = False
    differing = ((early != late) & unbought).any(axis=1).mean()
    assert 0.3 < differing < 1.0  # many a taste drifts in a dozen purchases, not everybody's


def test_a_shortened_history_is_understood(dataset, oracle):
    histories, candidates = last_item_queries(dataset)
    assert (
        oracle.score(histories, candidates) == oracle.score(histories.last(3), candidates)
    ).all()


def test_score_is_the_sum_of_the_weights_of_what_fits(dataset, oracle):
    histories, _ = last_item_queries(dataset)
    truth = pl.read_parquet(dataset.folder / "truth" / "items.parquet")
    moments = pl.read_parquet(dataset.folder / "truth" / "moments.parquet")
    weights = BazaarConfig().weights
    user, moment = histories.users[0], int(histories.lengths[0])
    liked = moments.filter(pl.col("user_id") == user, pl.col("moment") == moment).row(0, named=True)
    code = int(np.setdiff1d(np.arange(dataset.n_items), histories[0])[0])
    item = truth.filter(pl.col("item_id") == dataset.item_ids[code]).row(0, named=True)
    expected = weights.appeal * item["appeal"] + sum(
        getattr(weights, name) * (item[name] in liked[name])
        for name in ("kind", "colour", "pattern", "style", "material", "circle")
    )
    assert oracle.score(histories.take([0]), None)[0, code] == pytest.approx(expected, rel=1e-5)


def stranger(user, timestamps):
    n = len(timestamps)
    return Sequences(
        pl.Series([user]),
        np.asarray([0, n], dtype=np.int64),
        np.arange(n, dtype=np.int32),
        np.asarray(timestamps, dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (stranger("nobody", [5]), "knows no taste of user 'nobody' after timestamp 5"),
        (stranger("u001", [5]), "knows no taste of user 'u001' after timestamp 5"),
        (stranger("u001", []), "history of user 'u001' is empty"),
    ],
)
def test_unknown_users_and_moments_are_refused(oracle, history, message):
    with pytest.raises(RunError, match=message):
        oracle.score(history, None)


def test_dataset_without_truth_has_no_oracle(tmp_path):
    config = BazaarConfig(items=40, users=5)
    dataset = write_bazaar(tmp_path / "shop", config)
    for path in (tmp_path / "shop" / "truth").iterdir():
        path.unlink()
    with pytest.raises(RunError, match="no oracle for this dataset"):
        Oracle.open(dataset)
