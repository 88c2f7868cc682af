"""The best that can be done on the bazaar: the rule by which its users choose."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec.data.bazaar.catalogue import APPEAL
from gistrec.data.bazaar.shoppers import Liked, value_weights
from gistrec.data.bazaar.truth import SINCE, open_truth
from gistrec.data.bazaar.words import VALUES
from gistrec.data.dataset import Dataset
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import DataError, RunError
from gistrec.schema import ITEM_ID, USER_ID

_BOUGHT = np.float32(1000.0)  # nobody buys a thing twice


@dataclass(frozen=True)
class Oracle:
    """Scores by the true utility without its noise; knows each user's taste at the moment.

    The moment is found by the timestamp of the history's last item, so that histories which
    were cut or filtered are still understood.

    Attributes:
        moments: user_id, since, row (of ``liked``).
        liked: bool [moments, v].
        worth: float32 [v, n_items], what a liked value makes an item worth.
        appeal: float32 [n_items], what an item is worth to everybody.
    """

    moments: pl.DataFrame
    liked: Liked
    worth: npt.NDArray[np.float32]
    appeal: npt.NDArray[np.float32]
    name: str = "oracle"

    @classmethod
    def open(cls, dataset: Dataset) -> "Oracle":
        """The oracle of a bazaar.

        Raises:
            RunError: the dataset is not a bazaar, or has items that its truth does not know.
        """
        try:
            truth = open_truth(dataset.folder)
        except DataError as fault:
            raise RunError(f"there is no oracle for this dataset: {fault}") from fault
        items = pl.DataFrame({ITEM_ID: dataset.item_ids}).join(
            truth.items, on=ITEM_ID, how="left", maintain_order="left"
        )
        unknown = items.filter(pl.col(APPEAL).is_null())
        if unknown.height:
            raise RunError(
                f"{dataset.folder}: the bazaar's truth does not know item "
                f"{unknown[ITEM_ID][0]!r} ({unknown.height} such): the items were changed after "
                "the bazaar was made; make it anew"
            )
        fits = [
            (items[name] == value).cast(pl.Float32).to_numpy()
            for name, values in VALUES.items()
            for value in values
        ]
        weights = truth.config.weights
        return cls(
            truth.moments.select(USER_ID, SINCE).with_row_index("row"),
            truth.liked(),
            np.stack(fits) * value_weights(weights)[:, None],
            (weights.appeal * items[APPEAL].to_numpy()).astype(np.float32),
        )

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        """True utilities, float32 [u, c]; what was bought already stands behind all else.

        Raises:
            RunError: a history is not one of a user of this bazaar at a known moment.
        """
        utility = self.liked[self._rows(histories)].astype(np.float32) @ self.worth + self.appeal
        utility[histories.rows(), histories.items] -= _BOUGHT
        if candidates is None:
            return utility
        return np.take_along_axis(utility, candidates.astype(np.int64), axis=1)

    def _rows(self, histories: Sequences) -> npt.NDArray[np.int64]:
        """int64 [u]: the row of ``liked`` at the moment after each history."""
        if not histories.lengths.all():
            empty = histories.users[int(histories.lengths.argmin())]
            raise RunError(f"oracle: the history of user {empty!r} is empty")
        asked = pl.DataFrame(
            {USER_ID: histories.users, SINCE: histories.timestamps[histories.offsets[1:] - 1]}
        )
        found = asked.join(self.moments, on=[USER_ID, SINCE], how="left", maintain_order="left")
        strangers = found.filter(pl.col("row").is_null())
        if strangers.height:
            user, since = strangers.row(0)[:2]
            raise RunError(
                f"oracle: knows no taste of user {user!r} after timestamp {since} "
                f"({strangers.height} such histories); it can only judge what its bazaar simulated"
            )
        return found["row"].cast(pl.Int64).to_numpy()
