"""What stands for the content of logs and splits, whatever it is stored as."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.files import fingerprint_of


def fingerprint_of_log(item_ids: pl.Series, log: Sequences) -> str:
    """16 hex digits for a catalogue's ids and what users did; images, texts, ratings are not in."""
    return _digest([_words(item_ids), *_sequences(log)])


def fingerprint_of_split(
    item_ids: pl.Series, train: Sequences, queries: Iterable[Queries | None]
) -> str:
    """16 hex digits for a catalogue's ids, a training log and every question with candidates."""
    parts = [_words(item_ids), *_sequences(train)]
    for asked in queries:
        parts += [b"none"] if asked is None else _queries(asked)
    return _digest(parts)


def _sequences(log: Sequences) -> list[bytes]:
    arrays = (log.offsets, log.items, log.timestamps)
    return [_words(log.users), *(_bytes(array) for array in arrays)]


def _queries(asked: Queries) -> list[bytes]:
    arrays = (asked.positives, asked.candidates, asked.pool)
    return [*_sequences(asked.histories), *(_bytes(array) for array in arrays)]


def _bytes(array: npt.NDArray[Any]) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _words(words: pl.Series) -> bytes:
    return fingerprint_of(words.to_list()).encode()


def _digest(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little"))
        whole.update(part)
    return whole.hexdigest()[:16]
