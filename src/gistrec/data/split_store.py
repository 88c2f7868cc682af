"""A split as a folder: Parquet for the log and the questions, and split.json for what it is."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from gistrec import schema
from gistrec.data.dataset import Dataset
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.data.split import Mask, Split
from gistrec.data.split_fingerprint import fingerprint_of_log, fingerprint_of_split
from gistrec.errors import RunError
from gistrec.files import read_json, write_json, written_aside

_ABOUT: Final = "split.json"
_TRAIN, _VALID, _TEST, _COLD = "train.parquet", "valid.parquet", "test.parquet", "cold.parquet"
_COLD_ITEMS: Final = "cold_items.parquet"
_ITEMS, _TIMES, _CANDIDATES = "items", "timestamps", "candidates"


def save_split(split: Split, folder: Path) -> None:
    """Write a split; the same split gives the same bytes, and split.json comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _ABOUT).unlink(missing_ok=True)  # what is half written is no split
    _write(folder / _TRAIN, _columns(split.train))
    _write(folder / _VALID, _question_columns(split.valid))
    _write(folder / _TEST, _question_columns(split.test))
    _write(folder / _COLD_ITEMS, {"code": pa.array(np.flatnonzero(split.cold_items))})
    if split.cold is not None:
        _write(folder / _COLD, _question_columns(split.cold))
    else:
        (folder / _COLD).unlink(missing_ok=True)
    about = {
        "kind": split.kind,
        "seed": split.seed,
        "n_items": len(split.cold_items),
        "fingerprint": split.fingerprint,
        "log_fingerprint": split.log_fingerprint,
        "left_out": [list(pair) for pair in split.left_out],
    }
    write_json(folder / _ABOUT, about)


def load_split(folder: Path, dataset: Dataset) -> Split:
    """Read a split of ``dataset``.

    Raises:
        RunError: the folder holds no whole split, or one of other items or interactions.
    """
    try:
        about = read_json(folder / _ABOUT)
        split = _loaded(folder, about)
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise RunError(f"{folder} holds no whole split ({error}); make it again") from error
    if split.log_fingerprint != fingerprint_of_log(dataset.item_ids, dataset.sequences()):
        raise RunError(
            f"the split in {folder} was made of other items or interactions than {dataset.folder} "
            "holds now; open the dataset as then (min_interactions too), or make the split again"
        )
    parts = (split.valid, split.test, split.cold)
    if split.fingerprint != fingerprint_of_split(dataset.item_ids, split.train, parts):
        raise RunError(f"the split in {folder} is not as it was written; make it again")
    return split


def _loaded(folder: Path, about: dict[str, Any]) -> Split:
    cold_items = np.zeros(about["n_items"], dtype=np.bool_)
    codes = pq.read_table(folder / _COLD_ITEMS)["code"].to_numpy()
    cold_items[codes] = True
    everything = np.ones_like(cold_items)
    return Split(
        kind=about["kind"],
        seed=about["seed"],
        train=_sequences(pq.read_table(folder / _TRAIN)),
        valid=_queries(folder / _VALID, ~cold_items),
        test=_queries(folder / _TEST, ~cold_items),
        cold=_queries(folder / _COLD, everything) if (folder / _COLD).exists() else None,
        cold_items=cold_items,
        fingerprint=about["fingerprint"],
        log_fingerprint=about["log_fingerprint"],
        left_out=tuple((why, users) for why, users in about["left_out"]),
    )


def _columns(log: Sequences) -> dict[str, pa.Array]:
    return {
        schema.USER_ID: log.users.to_arrow(),
        _ITEMS: pa.LargeListArray.from_arrays(log.offsets, log.items),
        _TIMES: pa.LargeListArray.from_arrays(log.offsets, log.timestamps),
    }


def _question_columns(asked: Queries) -> dict[str, pa.Array]:
    flat, width = asked.candidates.reshape(-1), asked.candidates.shape[1]
    candidates = pa.FixedSizeListArray.from_arrays(pa.array(flat), width)
    return _columns(asked.histories) | {
        schema.POSITIVE: pa.array(asked.positives),
        _CANDIDATES: candidates,
    }


def _write(target: Path, columns: dict[str, pa.Array]) -> None:
    with written_aside(target) as aside:
        pq.write_table(pa.table(columns), aside, compression="zstd")


def _sequences(table: pa.Table) -> Sequences:
    items, times = (table[name].combine_chunks() for name in (_ITEMS, _TIMES))
    offsets = items.offsets.to_numpy()
    return Sequences(
        pl.Series(schema.USER_ID, table[schema.USER_ID]),
        offsets.astype(np.int64),
        items.flatten().to_numpy(),
        times.flatten().to_numpy(),
    )


def _queries(path: Path, pool: Mask) -> Queries:
    table = pq.read_table(path)
    candidates = table[_CANDIDATES].combine_chunks()
    return Queries(
        _sequences(table),
        table[schema.POSITIVE].to_numpy(),
        candidates.flatten().to_numpy().reshape(table.num_rows, candidates.type.list_size),
        pool,
    )
