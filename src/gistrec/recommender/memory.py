"""Scores that a model has given, so that no candidate of a user is asked about twice."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.data.ranker import Scores
from gistrec.data.sequences import Sequences
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
    """Scores by user, moment and item code."""

    def __init__(self) -> None:
        """An empty one."""
        self._scores: dict[tuple[str, int], dict[int, float]] = {}

    @classmethod
    def read(cls, *files: Path) -> "ScoreMemory":
        """What ``write`` wrote; a file that is not there holds nothing."""
        memory = cls()
        for file in files:
            if file.exists():
                for user, moment, codes, scores in pl.read_parquet(file).iter_rows():
                    memory._of((user, moment)).update(zip(codes, scores, strict=True))
        return memory

    def write(self, file: Path) -> None:
        """Write every score: user_id, moment, codes (item codes), scores."""
        rows = [
            (user, moment, list(found), list(found.values()))
            for (user, moment), found in self._scores.items()
        ]
        with written_aside(file) as aside:
            pl.DataFrame(rows, schema=_SCHEMA, orient="row").write_parquet(aside)

    def missing(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[list[int]]:
        """Of each user's list the items without a score, each once."""
        return [
            [code for code in dict.fromkeys(codes) if code not in self._scores.get(key, ())]
            for key, codes in zip(_keys(histories), asked, strict=True)
        ]

    def add(
        self, histories: Sequences, asked: Sequence[Sequence[int]], scores: Sequence[Scores]
    ) -> None:
        """Keep the scores of each user's list."""
        for key, codes, found in zip(_keys(histories), asked, scores, strict=True):
            self._of(key).update(zip(codes, found.tolist(), strict=True))

    def scores(self, histories: Sequences, asked: Sequence[Sequence[int]]) -> list[Scores]:
        """Scores of each user's list, float32 [len(list)] each; all must be there."""
        return [
            np.array([self._scores[key][code] for code in codes] if len(codes) else (), np.float32)
            for key, codes in zip(_keys(histories), asked, strict=True)
        ]

    def _of(self, key: tuple[str, int]) -> dict[int, float]:
        return self._scores.setdefault(key, {})


def _keys(histories: Sequences) -> list[tuple[str, int]]:
    return list(zip(histories.users.to_list(), histories.lengths.tolist(), strict=True))
