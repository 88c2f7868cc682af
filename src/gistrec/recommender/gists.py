"""Gists as prompts show them: each word once, the image's first, the title where there is none."""

from collections.abc import Sequence

import polars as pl

from gistrec import schema


def gist_texts(gists: pl.DataFrame, titles: Sequence[str]) -> list[str]:
    """One line an item, in catalogue order.

    Args:
        gists: item_id, image_keywords, text_keywords.
        titles: of the same items.
    """
    columns = gists.select(schema.IMAGE_KEYWORDS, schema.TEXT_KEYWORDS).iter_rows()
    return [
        " ".join(dict.fromkeys([*seen, *read])) or title
        for (seen, read), title in zip(columns, titles, strict=True)
    ]
