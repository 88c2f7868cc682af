"""Test users of a finished run, drawn by seed: what they are recommended, and what really came."""

from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.counted import counted
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError
from gistrec.evaluation.leaderboard import load_leaderboard
from gistrec.evaluation.ranks import load_ranks
from gistrec.evaluation.report.gallery import Gallery, GalleryUser, Pick, Shown, Similar, ordinal
from gistrec.evaluation.report.thumbnails import thumbnail
from gistrec.pipeline.answer import Answer
from gistrec.pipeline.recommend import Recommendations
from gistrec.progress import track

_STREAM = 5307  # keeps this draw apart from every other use of the same seed
_PICKS, _LATEST = 5, 12


def gallery(run: Path, users: int, seed: int) -> Gallery:
    """Open the model that knows the most, and ask it about users of the test questions.

    Args:
        run: a finished one.
        users: how many, at most.
        seed: they are drawn by it, whatever came of them.

    Raises:
        GistrecError: the model does not open, or a server it asks does not answer.
    """
    opened = Recommendations.open(run)
    asked = opened.split.test
    rng = np.random.default_rng([seed, _STREAM])
    rows = np.sort(rng.permutation(len(asked))[:users]).tolist()
    view = _View(opened, _ranks(run, opened.system))
    return Gallery(
        system=opened.system,
        drawn=f"{counted(len(rows), 'user')} of the {len(asked):,} test questions, drawn at random "
        f"by seed {seed} and not picked: misses are shown as they fell.",
        users=tuple(view.user(row) for row in track(rows, "users of the report")),
    )


def _ranks(run: Path, system: str) -> dict[str, pl.DataFrame]:
    """Where positives stood, by the protocols that ask about warm items, the catalogue first."""
    there = {row.protocol for row in load_leaderboard(run) if row.system == system}
    return {
        name: load_ranks(run, system, name)
        for name in (schema.FULL, schema.SAMPLED)
        if name in there
    }


@dataclass(frozen=True, eq=False)
class _View:
    """An open run, as people see it."""

    opened: Recommendations
    ranks: dict[str, pl.DataFrame]
    _seen: dict[int, Shown] = field(default_factory=dict)

    def user(self, row: int) -> GalleryUser:
        """One test question."""
        opened = self.opened
        history = opened.split.test.histories.take([row])
        positive = int(opened.split.test.positives[row])
        user = str(history.users[0])
        known: list[int] = history[0].tolist()
        answer = opened.recommend_after(history, _PICKS)
        return GalleryUser(
            user_id=user,
            known=len(known),
            history=tuple(map(self._shown, known[-_LATEST:])),
            tastes=tuple((step.after, step.told()) for step in answer.tastes or ()),
            similar=self._similar(history),
            picks=self._picks(answer, positive),
            next_item=self._shown(positive),
            places=tuple(self._places(user, positive)),
        )

    def _picks(self, answer: Answer, positive: int) -> tuple[Pick, ...]:
        codes = self._codes([item.item_id for item in answer.items])
        return tuple(
            Pick(self._shown(code), item.probability, item.reasons, code == positive)
            for code, item in zip(codes, answer.items, strict=True)
        )

    def _similar(self, history: Sequences) -> tuple[Similar, ...]:
        columns = (schema.NEIGHBOUR, schema.SIMILARITY, schema.NEXT_ITEMS)
        return tuple(
            Similar(str(who), float(near), tuple(map(self._shown, self._codes(items))))
            for who, near, items in self.opened.neighbours_of(history).select(columns).iter_rows()
        )

    def _places(self, user: str, positive: int) -> list[str]:
        """Where the measurement had the positive."""
        item = self.opened.work.dataset.item_ids[positive]
        found = []
        for protocol, ranks in self.ranks.items():
            mine = ranks.filter(
                (pl.col(schema.USER_ID) == user) & (pl.col(schema.POSITIVE) == item)
            )
            for rank, among in mine.select(schema.RANK, schema.N_CANDIDATES).head(1).iter_rows():
                found.append(f"{ordinal(rank)} of {among:,} ({protocol})")
        return found

    def _codes(self, ids: Many[str]) -> list[int]:
        catalogue = self.opened.work.dataset.item_ids
        found = (
            pl.Series(ids, dtype=pl.String)
            .to_frame(schema.ITEM_ID)
            .join(
                catalogue.to_frame(schema.ITEM_ID).with_row_index("code"),
                on=schema.ITEM_ID,
                maintain_order="left",
            )
        )
        if len(found) != len(ids):
            raise RunError(f"the dataset of {self.opened.work.run} lacks items it recommends")
        codes: list[int] = found["code"].to_list()
        return codes

    def _shown(self, code: int) -> Shown:
        if code not in self._seen:
            dataset = self.opened.work.dataset
            self._seen[code] = Shown(
                dataset.item_ids[code],
                dataset.title(code),
                self.opened.gist(code),
                thumbnail(dataset.image_bytes(code)),
            )
        return self._seen[code]
