"""Makes the bazaar: a shop whose customers choose by a known rule."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from gistrec.config.bazaar import BazaarConfig
from gistrec.data.bazaar.catalogue import item_ids, make_catalogue, shop_items
from gistrec.data.bazaar.shoppers import shop
from gistrec.data.bazaar.truth import Truth, truth_of
from gistrec.data.dataset import Card, Dataset, write_dataset
from gistrec.schema import ITEM_ID, TIMESTAMP, USER_ID


@dataclass(frozen=True)
class Bazaar:
    """A whole bazaar in memory.

    Attributes:
        items: item_id, title, text, image, as a shop shows them.
        interactions: user_id, item_id, timestamp; by user, oldest first.
        truth: what neither shows.
    """

    items: pl.DataFrame
    interactions: pl.DataFrame
    truth: Truth


def make_bazaar(config: BazaarConfig) -> Bazaar:
    """Make a bazaar; the same settings make the same one."""
    catalogue = make_catalogue(config)
    purchases = shop(catalogue, config)
    width = len(str(config.users))
    user_ids = [f"u{row + 1:0{width}d}" for row in range(config.users)]
    interactions = pl.DataFrame(
        {
            USER_ID: pl.Series(user_ids).gather(
                np.repeat(np.arange(config.users), purchases.lengths)
            ),
            ITEM_ID: pl.Series(item_ids(config.items)).gather(purchases.items),
            TIMESTAMP: purchases.timestamps,
        }
    )
    truth = truth_of(catalogue, purchases, user_ids, config)
    return Bazaar(shop_items(catalogue, config), interactions, truth)


def write_bazaar(folder: Path, config: BazaarConfig) -> Dataset:
    """Make a bazaar and write it as a dataset, with its truth in a folder of its own.

    Raises:
        DataError: ``folder`` holds something else.
    """
    bazaar = make_bazaar(config)
    card = Card(
        name="bazaar",
        item_noun="product",
        verb="bought",
        source=f"made by gistrec: {config.items} items, {config.users} users, seed {config.seed}",
    )
    dataset = write_dataset(folder, bazaar.items, bazaar.interactions, card)
    bazaar.truth.write(folder)
    return dataset
