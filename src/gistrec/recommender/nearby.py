"""What similar users chose next, looked up by user and moment."""

from collections.abc import Mapping, Sequence

import polars as pl

from gistrec import schema

Nearby = Mapping[tuple[str, int], Sequence[int]]


def nearby_items(neighbours: pl.DataFrame, item_ids: pl.Series) -> dict[tuple[str, int], list[int]]:
    """Item codes by (user id, moment), those of the most similar user first.

    Args:
        neighbours: user_id, moment, next_items, rank; as the collab stage writes it.
        item_ids: the ids behind the item codes.
    """
    codes = pl.DataFrame({schema.ITEM_ID: item_ids}).with_row_index("code")
    grouped = (
        neighbours.sort(schema.USER_ID, schema.MOMENT, schema.RANK)
        .explode(schema.NEXT_ITEMS)
        .join(codes, left_on=schema.NEXT_ITEMS, right_on=schema.ITEM_ID, maintain_order="left")
        .group_by(schema.USER_ID, schema.MOMENT, maintain_order=True)
        .agg("code")
    )
    return {(user, moment): found for user, moment, found in grouped.iter_rows()}
