"""Scores that a model has given, so that no candidate of a user is asked about twice."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.files import written_aside

_CODES = "codes"
_SCHEMA = pl.Schema(
    {
        schema.USER_ID: pl.String(),
        schema.MOMENT: pl.Int64(),
        _CODES: pl.List(pl.Int32),
        schema.SCORES: pl.List(pl.Float32),
    }
)


class ScoreMemory:
    """Scores by user, moment and item code; eight bytes each, for there may be millions."""

    def __init__(self) -> None:
        """An empty one."""
        self._found: dict[tuple[str, int], tuple[IntArray, Scores]] = {}  # codes ascending

    @classmethod
    def read(cls, *files: Path) -> "ScoreMemory":
        """What ``write`` wrote; a file that is not there holds nothing."""
        memory = cls()
        for file in files:
            if file.exists():
                for user, moment, codes, scores in pl.read_parquet(file).iter_rows():
                    memory._put((user, moment), codes, np.array(scores, dtype=np.float32))
        return memory

    def write(self, file: Path) -> None:
        """Write every score: user_id, moment, codes (item codes), scores."""
        columns = {
            schema.USER_ID: [user for user, _ in self._found],
            schema.MOMENT: [moment for _, moment in self._found],
            _CODES: [codes for codes, _ in self._found.values()],
            schema.SCORES: [scores for _, scores in self._found.values()],
        }
        with written_aside(file) as aside:
            pl.DataFrame(columns, schema=_SCHEMA).write_parquet(aside)

    def missing(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[list[int]]:
        """Of each user's list the items without a score, each once."""
        missing = []
        for key, codes in zip(_keys(histories), asked, strict=True):
            there = set(self._found[key][0].tolist()) if key in self._found else ()
            missing.append([code for code in dict.fromkeys(codes) if code not in there])
        return missing

    def add(
        self, histories: Sequences, asked: Sequence[Sequence[int]], scores: Sequence[Scores]
    ) -> None:
        """Keep the scores of each user's list."""
        for key, codes, found in zip(_keys(histories), asked, scores, strict=True):
            self._put(key, codes, found)

    def scores(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """Scores of each user's list, float32 [len(list)] each; all must be there."""
        return [self._of(key, codes) for key, codes in zip(_keys(histories), asked, strict=True)]

    def _put(self, key: tuple[str, int], codes: Sequence[int], scores: Scores) -> None:
        more = np.asarray(codes, dtype=np.int32)
        if key in self._found:
            there, known = self._found[key]
            more, scores = np.concatenate([more, there]), np.concatenate([scores, known])
        distinct, first = np.unique(more, return_index=True)  # the first are the newest
        self._found[key] = distinct, scores[first]

    def _of(self, key: tuple[str, int], codes: Sequence[int]) -> Scores:
        if not len(codes):
            return np.empty(0, dtype=np.float32)
        there, scores = self._found[key]
        found: Scores = scores[np.searchsorted(there, codes)]
        return found


def _keys(histories: Sequences) -> list[tuple[str, int]]:
    return list(zip(histories.users.to_list(), histories.lengths.tolist(), strict=True))
