"""Every defect is named with file, row and field, and none is passed over."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from data_cases import EVENTS, items_of, log_of, picture, raw_folder

from gistrec.data.checks import Defect, check_dataset
from gistrec.data.dataset import open_dataset
from gistrec.errors import DataError

ITEMS, LOG, CARD = "items.parquet", "interactions.parquet", "dataset.json"
Change = Callable[[pl.DataFrame], pl.DataFrame]


def only(defects: list[Defect]) -> Defect:
    assert len(defects) == 1, defects
    return defects[0]


def put(column: str, values: list[object], dtype: pl.DataType | None = None) -> Change:
    return lambda table: table.with_columns(pl.Series(column, values, dtype=dtype))


def test_a_sound_folder_has_no_defect(tmp_path: Path) -> None:
    assert check_dataset(raw_folder(tmp_path)) == []


FATAL_IN_ITEMS: list[tuple[str, Change, int | None, str, int, str]] = [
    ("duplicate id", put("item_id", ["a", "b", "b"]), 2, "item_id", 1, "'b'"),
    ("null id", put("item_id", ["a", None, "b"]), 1, "item_id", 1, "empty"),
    ("empty ids", put("item_id", ["a", " ", ""]), 1, "item_id", 2, "empty"),
    ("id of floats", put("item_id", [1.0, 2.0, 3.0]), None, "item_id", 3, "Float64"),
    ("no id", lambda t: t.drop("item_id"), None, "item_id", 1, "missing"),
    ("no title", lambda t: t.drop("title"), None, "title", 1, "missing"),
    ("title of numbers", put("title", [1, 2, 3]), None, "title", 3, "Int64"),
    ("image of text", put("image", ["x", "y", "z"]), None, "image", 3, "String"),
    ("path out", put("image_path", ["", "", "../x.png"]), 2, "image_path", 1, "out of"),
    ("absolute path", put("image_path", ["/etc/x", None, ""]), 0, "image_path", 1, "out of"),
    ("drive", put("image_path", ["C:\\x.png", None, ""]), 0, "image_path", 1, "out of"),
    ("no row", lambda t: t.clear(), None, "", 1, "no row"),
]


@pytest.mark.parametrize("case", FATAL_IN_ITEMS, ids=lambda case: case[0])
def test_fatal_defects_of_items(
    case: tuple[str, Change, int | None, str, int, str], tmp_path: Path
) -> None:
    _, change, row, field, count, said = case
    folder = raw_folder(tmp_path, items=change(items_of("a", "b", "c")))
    found = [d for d in check_dataset(folder) if d.fatal and d.file == ITEMS]
    defect = only(found)
    assert (defect.row, defect.field, defect.count) == (row, field, count)
    assert said in defect.what
    with pytest.raises(DataError, match=ITEMS):
        open_dataset(folder)


FATAL_IN_LOG: list[tuple[str, Change, int | None, str, int, str]] = [
    ("unknown item", put("item_id", ["a", "z", "b", "y", "c"]), 1, "item_id", 2, "'z'"),
    ("null user", put("user_id", ["u", "u", None, "u", "u"]), 2, "user_id", 1, "empty"),
    ("null item", put("item_id", ["a", "b", "c", None, "a"]), 3, "item_id", 1, "empty"),
    ("null time", put("timestamp", [1, None, 2, None, 3]), 1, "timestamp", 2, "null"),
    ("half a second", put("timestamp", [1.0, 2.0, 3.5, 4.0, 5.0]), 2, "timestamp", 1, "whole"),
    ("infinite time", put("timestamp", [1.0, 2.0, 3.0, float("inf"), 5.0]), 3, "timestamp", 1, ""),
    ("time of text", put("timestamp", list("12345")), None, "timestamp", 5, "String"),
    ("nan rating", put("rating", [1.0, None, float("nan"), 2.0, 3.0]), 2, "rating", 1, "finite"),
    ("rating of text", put("rating", list("12345")), None, "rating", 5, "String"),
    ("no user", lambda t: t.drop("user_id"), None, "user_id", 1, "missing"),
    ("no time", lambda t: t.drop("timestamp"), None, "timestamp", 1, "missing"),
    ("no row", lambda t: t.clear(), None, "", 1, "no row"),
]


@pytest.mark.parametrize("case", FATAL_IN_LOG, ids=lambda case: case[0])
def test_fatal_defects_of_interactions(
    case: tuple[str, Change, int | None, str, int, str], tmp_path: Path
) -> None:
    _, change, row, field, count, said = case
    folder = raw_folder(tmp_path, log=change(log_of(EVENTS)))
    defect = only([d for d in check_dataset(folder) if d.fatal])
    assert defect.file == LOG
    assert (defect.row, defect.field, defect.count) == (row, field, count)
    assert said in defect.what
    with pytest.raises(DataError, match=LOG):
        open_dataset(folder)


WARNINGS: list[tuple[str, list[tuple[str, str, int]], str, int | None, str, int, str]] = [
    ("late", [("u", "a", 5), ("u", "b", 3), ("u", "c", 4)], LOG, 1, "timestamp", 1, "earlier"),
    ("tied", [("u", "a", 3), ("u", "b", 3), ("u", "c", 3)], LOG, 1, "timestamp", 2, "equals"),
    ("lone user", [*EVENTS, ("u3", "c", 1)], LOG, 5, "user_id", 1, "only"),
    ("unseen", [("u", "a", 1), ("u", "c", 2)], ITEMS, 1, "item_id", 1, "no interaction"),
]


@pytest.mark.parametrize("case", WARNINGS, ids=lambda case: case[0])
def test_warnings_are_counted_and_kept(
    case: tuple[str, list[tuple[str, str, int]], str, int | None, str, int, str], tmp_path: Path
) -> None:
    _, events, file, row, field, count, said = case
    folder = raw_folder(tmp_path, log=log_of(events))
    found = only(check_dataset(folder))
    assert (found.file, found.row, found.field, found.count) == (file, row, field, count)
    assert not found.fatal
    assert said in found.what
    assert open_dataset(folder).warnings == (found,)


def test_rows_of_users_that_lie_apart_are_neither_late_nor_tied(tmp_path: Path) -> None:
    events = [("u", "a", 5), ("v", "b", 5), ("u", "b", 6), ("v", "c", 7)]
    assert check_dataset(raw_folder(tmp_path, log=log_of(events))) == []


def test_a_late_row_between_other_users_rows_is_found(tmp_path: Path) -> None:
    events = [("u", "a", 5), ("v", "b", 9), ("v", "c", 10), ("u", "b", 4)]
    defect = only(check_dataset(raw_folder(tmp_path, log=log_of(events))))
    assert (defect.row, defect.count) == (3, 1)


def test_the_same_event_twice_is_said(tmp_path: Path) -> None:
    events = [("u", "a", 5), ("u", "b", 5), ("u", "a", 5), ("u", "c", 6)]
    tied, double = check_dataset(raw_folder(tmp_path, log=log_of(events)))
    assert "equals" in tied.what
    assert (double.row, double.field, double.count) == (2, "item_id", 1)


def test_images_are_decoded_when_asked_and_the_broken_counted(tmp_path: Path) -> None:
    images = [picture(), picture()[:40], b"no image"]
    items = items_of("a", "b", "c").with_columns(pl.Series("image", images))
    folder = raw_folder(tmp_path, items=items)
    broken = only(check_dataset(folder))
    assert (broken.row, broken.field, broken.count, broken.fatal) == (1, "image", 2, False)
    assert check_dataset(folder, deep=False) == []
    dataset = open_dataset(folder)
    assert [dataset.image_bytes(code) for code in range(3)] == [images[0], None, None]


def test_image_paths_lead_to_files_or_are_counted(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(picture())
    paths = ["pictures/a.png", "pictures/b.png", None]
    items = items_of("a", "b", "c").with_columns(pl.Series("image_path", paths))
    folder = raw_folder(tmp_path, items=items)
    lost = only(check_dataset(folder))
    assert (lost.row, lost.field, lost.fatal) == (1, "image_path", False)
    dataset = open_dataset(folder)
    assert [dataset.image_bytes(code) for code in range(3)] == [picture(), None, None]


def test_an_item_with_nothing_to_know_about_is_counted(tmp_path: Path) -> None:
    items = items_of("a", "b", "c").with_columns(
        title=pl.Series([None, "", " "]),
        text=pl.Series(["about a", None, None]),
        image=pl.Series([None, picture(), b""]),
    )
    defect = only(check_dataset(raw_folder(tmp_path, items=items)))
    assert (defect.row, defect.field, defect.count, defect.fatal) == (2, "title", 1, False)


def test_whole_numbers_pass_for_ids_and_small_types_for_times(tmp_path: Path) -> None:
    items = pl.DataFrame({"item_id": [1, 2], "title": ["one", "two"]})
    log = pl.DataFrame(
        {
            "user_id": pl.Series(["u", "u"], dtype=pl.Categorical),
            "item_id": [2, 1],
            "timestamp": pl.Series([1, 2], dtype=pl.Float32),
            "rating": pl.Series([4, None], dtype=pl.Int8),
        }
    )
    folder = raw_folder(tmp_path, items, log)
    found = check_dataset(folder)
    assert not any(defect.fatal for defect in found)
    told = {(defect.file, defect.field) for defect in found}
    fields = ("item_id", "user_id", "timestamp", "rating")
    assert told == {(ITEMS, "item_id")} | {(LOG, field) for field in fields}
    dataset = open_dataset(folder)
    assert dataset.item_ids.to_list() == ["1", "2"]
    assert dataset.sequences().items.tolist() == [1, 0]
    assert dataset.interactions["timestamp"].dtype == pl.Int64
    assert dataset.interactions["rating"].to_list() == [4.0, None]


@pytest.mark.parametrize("name", [ITEMS, LOG])
def test_a_missing_or_broken_file_is_named(name: str, tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    (folder / name).write_bytes(b"not a table")
    assert only([d for d in check_dataset(folder) if d.fatal]).file == name
    (folder / name).unlink()
    defect = only([d for d in check_dataset(folder) if d.fatal])
    assert (defect.file, "missing" in defect.what) == (name, True)
    with pytest.raises(DataError, match=f"{name}: is missing"):
        open_dataset(folder)


def test_no_folder_at_all_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is missing"):
        open_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["{", "[]", '{"name": 3}', '{"counts": {"items": "many"}}'])
def test_a_broken_card_is_fatal(text: str, tmp_path: Path) -> None:
    folder = raw_folder(tmp_path)
    (folder / CARD).write_text(text)
    assert only(check_dataset(folder)).fatal
    with pytest.raises(DataError, match=CARD):
        open_dataset(folder)


def test_one_message_lists_the_first_few_and_counts_the_rest(tmp_path: Path) -> None:
    log = log_of(EVENTS).with_columns(
        pl.Series("user_id", [None, "", "u", "u", "u"]),
        pl.Series("item_id", [None, "z", "a", "a", "a"]),
        pl.Series("timestamp", [None, 1, 2, 3, 4]),
        pl.Series("rating", ["x"] * 5),
    )
    items = items_of("a", "a", "c").with_columns(title=pl.Series([1, 2, 3]))
    with pytest.raises(DataError) as caught:
        open_dataset(raw_folder(tmp_path, items, log))
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 + 5 + 1
    assert all(name in str(caught.value) for name in (ITEMS, LOG, "row 0"))
    assert "more" in lines[-1]
