"""What every source must hold, on its files as they are published."""

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gistrec.data.checks import check_dataset
from gistrec.data.dataset import open_dataset
from gistrec.data.sources.importing import ImportOptions, import_dataset
from gistrec.data.sources.registry import SOURCES

# (user, item, timestamp): out of order, with equal times, with one exact duplicate.
EVENTS = [
    ("7", "30", 500), ("7", "10", 100), ("7", "20", 100), ("3", "20", 900), ("3", "30", 100),
    ("7", "30", 500), ("9", "99", 50), ("9", "10", 40),
]  # fmt: skip
TITLES = {"10": "Ten (1990)", "20": 'Twenty, "the" best', "30": "Trente é", "40": "Nobody's"}
# What comes out; equal times keep the order of the file, and 99 has no metadata.
ORDERED = {"7": ["10", "20", "30"], "3": ["30", "20"], "9": ["10", "99"]}


def movielens_1m(folder: Path) -> None:
    (folder / "ratings.dat").write_text("".join(f"{u}::{i}::4::{t}\n" for u, i, t in EVENTS))
    movies = "".join(f"{item}::{title}::Drama|War\n" for item, title in TITLES.items())
    (folder / "movies.dat").write_bytes(movies.encode("latin-1"))


def movielens_100k(folder: Path) -> None:
    (folder / "u.data").write_text("".join(f"{u}\t{i}\t4\t{t}\n" for u, i, t in EVENTS))
    flags = "|".join(["0"] * 18 + ["1"])
    rows = "".join(f"{item}|{title}|01-Jan-1995|||{flags}\n" for item, title in TITLES.items())
    (folder / "u.item").write_bytes(rows.encode("latin-1"))


def movielens_csv(folder: Path) -> None:
    rows = [(u, i, 4.0, t) for u, i, t in EVENTS]
    names = ["userId", "movieId", "rating", "timestamp"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(folder / "ratings.csv")
    movies = [(item, title, "Drama|War") for item, title in TITLES.items()]
    names = ["movieId", "title", "genres"]
    pl.DataFrame(movies, schema=names, orient="row").write_csv(folder / "movies.csv")


def microlens_pairs(folder: Path) -> None:
    rows = "".join(f"{u},{i},{t}\n" for u, i, t in EVENTS)
    (folder / "MicroLens-50k_pairs.csv").write_text("user,item,timestamp\n" + rows)
    titles = "".join(f"{item},{title}\n" for item, title in TITLES.items())
    (folder / "MicroLens-50k_titles.csv").write_text(titles, encoding="utf-8")


def amazon(folder: Path) -> None:
    reviews = [
        {"user_id": u, "parent_asin": i, "asin": "v", "rating": 4.0, "timestamp": t, "text": "ok"}
        for u, i, t in EVENTS
    ]
    meta = [{"parent_asin": i, "title": t, "features": [], "images": []} for i, t in TITLES.items()]
    for name, rows in (("All_Beauty", reviews), ("meta_All_Beauty", meta)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))


def recbole(folder: Path) -> None:
    head = "user_id:token\titem_id:token\ttimestamp:float\n"
    (folder / "x.inter").write_text(head + "".join(f"{u}\t{i}\t{t}\n" for u, i, t in EVENTS))
    titles = "".join(f"{item}\t{title}\n" for item, title in TITLES.items())
    (folder / "x.item").write_text("item_id:token\ttitle:token_seq\n" + titles, encoding="utf-8")


def table(folder: Path) -> None:
    names = {"user_id": pl.Int64, "item_id": pl.Int64, "timestamp": pl.Int64}
    rows = [(int(u), int(i), t) for u, i, t in EVENTS]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(folder / "log.parquet")
    items = list(TITLES.items())
    pl.DataFrame(items, schema=["item_id", "title"], orient="row").write_csv(folder / "items.csv")


FORMS = [
    pytest.param("movielens", movielens_1m, id="movielens-1m"),
    pytest.param("movielens", movielens_100k, id="movielens-100k"),
    pytest.param("movielens", movielens_csv, id="movielens-csv"),
    pytest.param("microlens", microlens_pairs, id="microlens"),
    pytest.param("amazon", amazon, id="amazon"),
    pytest.param("recbole", recbole, id="recbole"),
    pytest.param("table", table, id="table"),
]


def test_every_source_is_held_to_this():
    assert {form.values[0] for form in FORMS} == set(SOURCES)


@pytest.mark.parametrize(("source", "write"), FORMS)
class TestEverySource:
    @pytest.fixture
    def folder(self, tmp_path, write):
        folder = tmp_path / "published"
        folder.mkdir()
        write(folder)
        return folder

    @pytest.fixture
    def report(self, source, folder, tmp_path):
        return import_dataset(source, [folder], tmp_path / "dataset")

    def test_the_folder_opens_as_the_dataset_that_was_written(self, report, tmp_path):
        dataset = open_dataset(tmp_path / "dataset")
        assert dataset.fingerprint == report.dataset.fingerprint
        assert dataset.interactions.equals(report.dataset.interactions)
        assert dataset.items.equals(report.dataset.items)
        assert not [defect for defect in check_dataset(tmp_path / "dataset") if defect.fatal]

    def test_histories_are_in_time_order_and_ties_keep_the_files(self, report):
        dataset = report.dataset
        sequences = dataset.sequences()
        ids = dataset.item_ids.to_list()
        histories = {
            user: [ids[code] for code in sequences[row]] for row, user in enumerate(sequences.users)
        }
        assert histories == ORDERED
        for row in range(len(sequences)):
            times = sequences.timestamps[sequences.offsets[row] : sequences.offsets[row + 1]]
            assert (np.diff(times) >= 0).all()

    def test_ids_are_text_and_the_sources_own(self, report):
        dataset = report.dataset
        assert dataset.interactions.schema["user_id"] == pl.String
        assert dataset.interactions.schema["item_id"] == pl.String
        assert dataset.interactions.schema["timestamp"] == pl.Int64
        assert set(dataset.interactions["user_id"]) == {user for user, _, _ in EVENTS}
        assert set(dataset.item_ids) == {*TITLES, "99"}

    def test_titles_arrive_unharmed(self, report):
        dataset = report.dataset
        found = {item: dataset.title(code) for code, item in enumerate(dataset.item_ids)}
        assert found == {**TITLES, "99": ""}

    def test_no_interaction_is_lost_silently(self, report):
        assert report.rows_read == len(EVENTS)
        dropped = sum(note.count for note in report.dropped)
        assert report.dataset.interactions.height + dropped == report.rows_read
        assert dropped == 1  # the duplicate
        notes = {note.what: note.count for note in report.notes}
        assert notes["items of the log without metadata, kept with an empty title"] == 1
        assert notes["items that nobody chose, kept"] == 1

    def test_the_same_input_gives_the_same_fingerprint(self, source, folder, report, tmp_path):
        again = import_dataset(
            source, [folder], tmp_path / "again", ImportOptions(name=report.dataset.card.name)
        )
        assert again.dataset.fingerprint == report.dataset.fingerprint

    def test_a_core_keeps_only_what_is_dense_and_counts_the_rest(self, source, folder, tmp_path):
        options = ImportOptions(min_interactions=2)
        report = import_dataset(source, [folder], tmp_path / "core", options)
        dataset = report.dataset
        for column in ("user_id", "item_id"):
            assert dataset.interactions[column].value_counts()["count"].min() >= 2
        # 99 was chosen once; without it user 9 has one event left.
        assert set(dataset.interactions["user_id"]) == {"7", "3"}
        dropped = sum(note.count for note in report.dropped)
        assert dataset.interactions.height + dropped == len(EVENTS)

    def test_the_card_says_what_prompts_need(self, report, source):
        card = report.dataset.card
        assert card.item_noun
        assert card.verb
        assert card.source.startswith(source)


def test_positions_stand_for_times_in_microlens_sequences(tmp_path):
    (tmp_path / "x_pairs.tsv").write_text("1\t30 10 20\n2\t10 30\n")
    report = import_dataset("microlens", [tmp_path], tmp_path / "dataset")
    ids = report.dataset.item_ids.to_list()
    assert [[ids[code] for code in row] for row in report.dataset.sequences()] == [
        ["30", "10", "20"],
        ["10", "30"],
    ]
