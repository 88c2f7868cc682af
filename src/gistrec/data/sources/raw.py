"""What every source gives: a table of items, a table of interactions, and what was noticed."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Note:
    """Something worth knowing about an import, with how often it occurred."""

    what: str
    count: int


@dataclass(frozen=True)
class Raw:
    """A source as read: nothing dropped, nothing joined yet.

    Attributes:
        items: ``item_id`` (String, never null), ``title`` (String) and further columns.
        interactions: ``user_id``, ``item_id`` (String), ``timestamp`` (Int64), optional ``rating``
            (Float64), in the order of the file.
        item_noun: what prompts call an item.
        verb: what prompts say a user did with it, in the past tense.
        origin: which files of which source this is.
        notes: what was noticed while reading.
        image_files: ``item_id`` and ``file`` (String), images that the source itself names.
    """

    items: pl.DataFrame
    interactions: pl.DataFrame
    item_noun: str
    verb: str
    origin: str
    notes: tuple[Note, ...] = ()
    image_files: pl.DataFrame | None = None
