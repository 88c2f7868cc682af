"""A dataset folder is opened in order, written whole, and known by its fingerprint."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from data_cases import EVENTS, items_of, log_of, picture, raw_folder
from hypothesis import given
from hypothesis import strategies as st

from gistrec.config.dataset import DatasetConfig
from gistrec.data.checks import check_dataset
from gistrec.data.dataset import Card, Dataset, open_dataset, write_dataset
from gistrec.data.kcore import core_mask, k_core
from gistrec.errors import DataError

FILES = ("items.parquet", "interactions.parquet", "dataset.json")


def written(folder: Path, log: pl.DataFrame | None = None) -> Dataset:
    events = log_of(EVENTS) if log is None else log
    return write_dataset(folder, items_of("a", "b", "c"), events, Card("shop", "film", "watched"))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_sequences_are_users_by_first_appearance_and_items_by_row(tmp_path: Path) -> None:
    log = open_dataset(raw_folder(tmp_path)).sequences()
    assert log.users.to_list() == ["u1", "u2"]
    assert [row.tolist() for row in log] == [[0, 1], [1, 2, 0]]
    assert log.timestamps.tolist() == [10, 20, 5, 15, 25]
    assert log.items.dtype == np.int32


def test_a_folder_without_a_card_is_called_after_itself(tmp_path: Path) -> None:
    dataset = open_dataset(raw_folder(tmp_path / "films"))
    assert dataset.card == Card("films")
    assert (dataset.n_users, dataset.n_items) == (2, 3)


def test_rows_are_sorted_stably_by_user_and_time(tmp_path: Path) -> None:
    log = log_of([("v", "c", 9), ("u", "a", 5), ("v", "b", 1), ("v", "a", 1), ("u", "b", 5)])
    dataset = open_dataset(raw_folder(tmp_path, log=log))
    assert dataset.interactions.rows() == [
        ("v", "b", 1),
        ("v", "a", 1),
        ("v", "c", 9),
        ("u", "a", 5),
        ("u", "b", 5),
    ]
    assert [row.tolist() for row in dataset.sequences()] == [[1, 0, 2], [0, 1]]


@given(
    st.lists(
        st.tuples(st.sampled_from("uvw"), st.sampled_from("abc"), st.integers(-3, 3)),
        min_size=1,
        max_size=30,
    )
)
def test_order_is_what_a_stable_sort_of_each_user_gives(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str, int]]
) -> None:
    folder = raw_folder(tmp_path_factory.mktemp("sorted"), log=log_of(events))
    users = list(dict.fromkeys(user for user, _, _ in events))
    expected = sorted(events, key=lambda event: (users.index(event[0]), event[2]))
    assert open_dataset(folder).interactions.rows() == expected


def test_further_columns_are_kept(tmp_path: Path) -> None:
    log = log_of(EVENTS).with_columns(position=pl.int_range(5), rating=pl.lit(4.0))
    items = items_of("a", "b", "c").with_columns(year=pl.Series([1999, 2000, None]))
    dataset = open_dataset(raw_folder(tmp_path, items, log))
    assert dataset.interactions["position"].to_list() == [0, 1, 2, 3, 4]
    assert dataset.items["year"].to_list() == [1999, 2000, None]


def test_withheld_images_and_words_are_gone(tmp_path: Path) -> None:
    items = items_of("a", "b", "c").with_columns(
        text=pl.Series(["of a", None, "of c"]), image=pl.Series([picture(), None, None])
    )
    folder = raw_folder(tmp_path, items)
    whole = open_dataset(folder)
    assert (whole.title(0), whole.text(0), whole.text(1)) == ("title of a", "of a", "")
    assert whole.image_bytes(0) == picture()
    blind = open_dataset(folder, DatasetConfig(withhold="images"))
    assert blind.image_bytes(0) is None
    assert "image" not in blind.items.columns
    assert blind.title(0) == "title of a"
    mute = open_dataset(folder, DatasetConfig(withhold="text"))
    assert [(mute.title(code), mute.text(code)) for code in range(3)] == [("", "")] * 3
    assert mute.image_bytes(0) == picture()
    assert len({whole.fingerprint, blind.fingerprint, mute.fingerprint}) == 3


def test_text_is_empty_where_there_is_no_such_column(tmp_path: Path) -> None:
    assert open_dataset(raw_folder(tmp_path)).text(0) == ""


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    one, two = (open_dataset(raw_folder(tmp_path / name)).fingerprint for name in ("x", "y"))
    assert one == two
    later = [*EVENTS[:-1], ("u2", "a", 26)]
    assert open_dataset(raw_folder(tmp_path / "z", log=log_of(later))).fingerprint != one
    other = raw_folder(tmp_path / "w", items=items_of("a", "b", "d", "c"))
    assert open_dataset(other).fingerprint != one


def test_what_is_written_is_what_opens(tmp_path: Path) -> None:
    dataset = written(tmp_path / "shop")
    opened = open_dataset(tmp_path / "shop")
    assert opened.card == dataset.card == Card("shop", "film", "watched")
    assert opened.fingerprint == dataset.fingerprint
    assert opened.items.equals(dataset.items)
    assert opened.interactions.equals(dataset.interactions)
    assert check_dataset(tmp_path / "shop") == []
    told = json.loads((tmp_path / "shop" / "dataset.json").read_text())
    assert told["counts"] == {"items": 3, "users": 2, "interactions": 5}
    assert told["fingerprint"] == dataset.fingerprint


def test_writing_twice_gives_the_same_bytes_and_leaves_nothing_beside(tmp_path: Path) -> None:
    written(tmp_path / "shop")
    first = bytes_of(tmp_path / "shop")
    written(tmp_path / "shop")
    written(tmp_path / "again")
    assert bytes_of(tmp_path / "shop") == bytes_of(tmp_path / "again") == first
    assert {path.name for path in tmp_path.iterdir()} == {"shop", "again"}


def test_a_log_is_written_in_order_and_the_disorder_told_once(tmp_path: Path) -> None:
    backwards = log_of(EVENTS).reverse()
    dataset = written(tmp_path / "shop", backwards)
    assert [defect.field for defect in dataset.warnings] == ["timestamp"]
    assert open_dataset(tmp_path / "shop").warnings == ()


def test_what_else_lies_in_a_written_folder_stays(tmp_path: Path) -> None:
    written(tmp_path / "shop")
    (tmp_path / "shop" / "truth").mkdir()
    (tmp_path / "shop" / "truth" / "rule.txt").write_text("red")
    before = open_dataset(tmp_path / "shop").fingerprint
    dataset = written(tmp_path / "shop", log_of(EVENTS[:4]))
    assert dataset.fingerprint != before
    assert open_dataset(tmp_path / "shop").fingerprint == dataset.fingerprint
    assert (tmp_path / "shop" / "truth" / "rule.txt").read_text() == "red"


def test_a_folder_that_holds_something_else_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"dear to someone")
    with pytest.raises(DataError, match="something"):
        written(tmp_path)
    raw = raw_folder(tmp_path / "raw")
    with pytest.raises(DataError, match="something"):
        written(raw)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="not a folder"):
        written(tmp_path / "file")
    assert (tmp_path / "photo.jpg").read_bytes() == b"dear to someone"


def test_what_is_not_sound_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'z'"):
        written(tmp_path / "shop", log_of([("u", "z", 1)]))
    assert not (tmp_path / "shop").exists()


def test_files_changed_after_the_card_are_told(tmp_path: Path) -> None:
    written(tmp_path / "shop")
    log_of(EVENTS[:4]).write_parquet(tmp_path / "shop" / "interactions.parquet")
    told = {defect.field for defect in open_dataset(tmp_path / "shop").warnings}
    assert told == {"counts.interactions", "fingerprint"}
    checked = {defect.field for defect in check_dataset(tmp_path / "shop")}
    assert checked == told


def test_the_core_leaves_out_users_and_items_and_says_so(tmp_path: Path) -> None:
    # c has one interaction; without it u2 keeps a and b, and d was never chosen.
    folder = raw_folder(tmp_path, items=items_of("d", "a", "b", "c"))
    dataset = open_dataset(folder, DatasetConfig(min_interactions=2))
    assert dataset.item_ids.to_list() == ["a", "b"]
    assert [row.tolist() for row in dataset.sequences()] == [[0, 1], [1, 0]]
    left_out = {d.field: d.count for d in dataset.warnings if "2-core" in d.what}
    assert left_out == {"item_id": 2, "": 1}
    assert dataset.fingerprint != open_dataset(folder).fingerprint
    with pytest.raises(DataError, match="min_interactions"):
        open_dataset(folder, DatasetConfig(min_interactions=3))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40),
    st.integers(0, 4),
)
def test_the_core_is_the_largest_log_where_all_have_enough(
    pairs: list[tuple[int, int]], k: int
) -> None:
    left = list(enumerate(pairs))
    while True:
        sums: list[dict[int, int]] = [{}, {}]
        for _, pair in left:
            for counts, code in zip(sums, pair, strict=True):
                counts[code] = counts.get(code, 0) + 1
        kept = [(row, (u, i)) for row, (u, i) in left if min(sums[0][u], sums[1][i]) >= k]
        if len(kept) == len(left):
            break
        left = kept
    users, items = (np.array([pair[side] for pair in pairs], dtype=np.int32) for side in (0, 1))
    assert np.flatnonzero(core_mask(users, items, k)).tolist() == [row for row, _ in left]
    table = log_of([(f"u{user}", f"i{item}", 0) for user, item in pairs])
    assert k_core(table, k).height == len(left)


def test_many_rows_of_one_moment_keep_the_order_of_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    items = items_of(*(f"i{code}" for code in range(300)))
    events = [(f"u{rng.integers(3)}", f"i{row}", 7) for row in range(300)]
    log = open_dataset(raw_folder(tmp_path, items, log_of(events))).sequences()
    assert all((np.diff(row) > 0).all() for row in log)
    late = [*events, ("u0", "i0", 6)]
    sorted_log = open_dataset(raw_folder(tmp_path, items, log_of(late))).sequences()
    first = sorted_log.users.to_list().index("u0")
    assert all(
        (np.diff(row[1 if user == first else 0 :]) > 0).all() for user, row in enumerate(sorted_log)
    )
