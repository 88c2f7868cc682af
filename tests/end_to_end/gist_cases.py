"""The words that stand for an item of the shared run, read from its tables."""

import polars as pl
from end_to_end_cases import Tiny


def gist_words(tiny: Tiny) -> dict[str, set[str]]:
    """By item id: the words of its keywords, of its title where it has none."""
    gists = pl.read_parquet(tiny.run / "gist" / "gists.parquet")
    keywords = gists.select("item_id", pl.concat_list("image_keywords", "text_keywords"))
    titles = dict(pl.read_parquet(tiny.bazaar / "items.parquet")["item_id", "title"].iter_rows())
    return {
        item: set((" ".join(words) or titles[item]).split()) for item, words in keywords.iter_rows()
    }
