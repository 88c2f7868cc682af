"""Gists as prompts show them: keywords, each once, the image's first, or the summary in a sentence.

The title stands in where there is none.
"""

from collections.abc import Sequence

import polars as pl

from gistrec import schema


def gist_texts(gists: pl.DataFrame, titles: Sequence[str]) -> list[str]:
    """One line an item, in catalogue order.

    Args:
        gists: item_id, image_keywords, text_keywords, summary (null in the style keywords).
        titles: of the same items.
    """
    columns = gists.select(schema.IMAGE_KEYWORDS, schema.TEXT_KEYWORDS, schema.SUMMARY)
    return [
        summary or " ".join(dict.fromkeys([*seen, *read])) or title
        for (seen, read, summary), title in zip(columns.iter_rows(), titles, strict=True)
    ]
