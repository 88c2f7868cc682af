"""What the bazaar hides: items' true attributes, and every user's taste at every moment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from pydantic import ValidationError

from gistrec.config.bazaar import BazaarConfig
from gistrec.data.bazaar.catalogue import Catalogue, true_items
from gistrec.data.bazaar.shoppers import Liked, Purchases, columns
from gistrec.data.bazaar.words import VALUES
from gistrec.errors import DataError
from gistrec.files import read_json, write_json, written_aside
from gistrec.schema import ITEMS_FILE, MOMENT, TRUTH_FOLDER, USER_ID

MOMENTS_FILE: Final = "moments.parquet"
RULE_FILE: Final = "bazaar.json"
SINCE: Final = "since"  # the timestamp of the last purchase before this moment


@dataclass(frozen=True)
class Truth:
    """The rule by which users choose.

    Attributes:
        items: item_id, one column an attribute, appeal.
        moments: user_id, moment (purchases so far), since (timestamp of the last of them, null
            before the first), and one list column an attribute: the values liked then.
        config: what the bazaar was made with; holds the weights.
    """

    items: pl.DataFrame
    moments: pl.DataFrame
    config: BazaarConfig

    def liked(self) -> Liked:
        """Bool [moments, v]: the tastes, with columns as in ``shoppers.columns()``."""
        places = columns()
        width = max(where.stop for where in places.values())
        table = np.zeros((self.moments.height, width), dtype=np.bool_)
        for name, where in places.items():
            lists = self.moments[name]
            rows = np.repeat(np.arange(len(lists)), lists.list.len().to_numpy())
            words = lists.explode().cast(pl.Enum(VALUES[name]))
            table[rows, where.start + words.to_physical().to_numpy().astype(np.int64)] = True
        return table

    def write(self, folder: Path) -> None:
        """Write the truth of the dataset in ``folder``."""
        for name, frame in ((ITEMS_FILE, self.items), (MOMENTS_FILE, self.moments)):
            with written_aside(folder / TRUTH_FOLDER / name) as aside:
                frame.write_parquet(aside)
        write_json(folder / TRUTH_FOLDER / RULE_FILE, self.config.model_dump(mode="json"))


def truth_of(
    catalogue: Catalogue, purchases: Purchases, user_ids: list[str], config: BazaarConfig
) -> Truth:
    """Put into tables what the making of a bazaar knew."""
    moments = purchases.lengths + 1  # one before each purchase, one after the last
    firsts = np.concatenate([[0], np.cumsum(moments)[:-1]])
    so_far = np.arange(moments.sum()) - np.repeat(firsts, moments)
    since = np.zeros(len(so_far), dtype=np.int64)
    since[so_far > 0] = purchases.timestamps
    frame = pl.DataFrame(
        {
            USER_ID: pl.Series(user_ids).gather(np.repeat(np.arange(len(user_ids)), moments)),
            MOMENT: so_far,
            SINCE: pl.Series(since).replace(0, None),
            **{name: _words(purchases.liked[:, at], name) for name, at in columns().items()},
        }
    )
    return Truth(true_items(catalogue), frame, config)


def open_truth(folder: Path) -> Truth:
    """Read the truth of the dataset in ``folder``.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    place = folder / TRUTH_FOLDER
    try:
        return Truth(
            pl.read_parquet(place / ITEMS_FILE),
            pl.read_parquet(place / MOMENTS_FILE),
            BazaarConfig.model_validate(read_json(place / RULE_FILE)),
        )
    except (OSError, pl.exceptions.PolarsError, ValidationError, ValueError) as fault:
        raise DataError(
            f"{place}: cannot read what the bazaar hides ({fault}); only datasets made by "
            "'gistrec data bazaar' have it: make one anew"
        ) from fault


def _words(liked: Liked, name: str) -> pl.Series:
    """A list column: the words of the values marked in ``liked`` (bool [n, values])."""
    rows, values = liked.nonzero()
    frame = pl.DataFrame({"row": rows, name: np.asarray(VALUES[name])[values]})
    return frame.group_by("row", maintain_order=True).agg(name)[name]
