"""Small datasets that the tests of `data` share."""

import io
from pathlib import Path

import polars as pl
from PIL import Image

from gistrec.data.dataset import Card, Dataset

Event = tuple[str, str, int]
EVENTS: list[Event] = [
    ("u1", "a", 10),
    ("u1", "b", 20),
    ("u2", "b", 5),
    ("u2", "c", 15),
    ("u2", "a", 25),
]
ROOT = Path(__file__).resolve().parents[3]
REAL_DATA = ROOT.parent / "shared" / "data"


def items_of(*ids: str) -> pl.DataFrame:
    return pl.DataFrame({"item_id": list(ids), "title": [f"title of {name}" for name in ids]})


def log_of(events: list[Event]) -> pl.DataFrame:
    names = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64}
    return pl.DataFrame(events, schema=names, orient="row")


def raw_folder(
    folder: Path, items: pl.DataFrame | None = None, log: pl.DataFrame | None = None
) -> Path:
    """A folder as a stranger would write it: two files, nothing checked."""
    folder.mkdir(parents=True, exist_ok=True)
    (items_of("a", "b", "c") if items is None else items).write_parquet(folder / "items.parquet")
    (log_of(EVENTS) if log is None else log).write_parquet(folder / "interactions.parquet")
    return folder


def picture(colour: str = "red", kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, kind)
    return stream.getvalue()


def dataset_of(
    rows: list[list[int]], n_items: int, times: list[list[int]] | None = None
) -> Dataset:
    """Users u0, u1, ... with the given item codes; times are positions unless given."""
    events = [
        (f"u{user}", f"i{item}", times[user][place] if times else place)
        for user, row in enumerate(rows)
        for place, item in enumerate(row)
    ]
    items = items_of(*(f"i{code}" for code in range(n_items)))
    return Dataset(Path("memory"), Card("memory"), items, log_of(events), "")
