"""From a source as read to the two tables of a dataset; whatever falls out is counted."""

from dataclasses import dataclass

import polars as pl

from gistrec import schema
from gistrec.data.kcore import k_core
from gistrec.data.sources.raw import Note, Raw
from gistrec.errors import DataError


@dataclass(frozen=True)
class Tidy:
    """Items and interactions that fit together.

    Attributes:
        items: one row an item; a title is never null.
        interactions: only of these items.
        rows_read: interactions that the source held; ``dropped`` says what became of the others.
        dropped: why interactions were left out, and how many for each reason.
        notes: what else a person should know.
    """

    items: pl.DataFrame
    interactions: pl.DataFrame
    rows_read: int
    dropped: tuple[Note, ...]
    notes: tuple[Note, ...]


def tidied(
    raw: Raw, min_rating: float | None = None, only_seen: bool = False, min_interactions: int = 0
) -> Tidy:
    """Drop exact duplicates and what is not wanted, and give every item of the log its row.

    Args:
        raw: a source as read.
        min_rating: interactions rated lower are left out; None keeps all.
        only_seen: leave out items that no interaction names.
        min_interactions: k of a k-core; items that nobody chose fall out of it too.

    Raises:
        DataError: no interaction is left, or ``min_rating`` is asked of a log without ratings.
    """
    interactions, dropped = raw.interactions, []
    if min_rating is not None:
        if schema.RATING not in interactions.columns:
            raise DataError(f"{raw.origin}: --min-rating needs ratings, and this log has none")
        rated = interactions.filter(pl.col(schema.RATING) >= min_rating)
        dropped.append(
            Note(f"rated below {min_rating:g} or not at all", _lost(interactions, rated))
        )
        interactions = rated
    # The same user, item, time and rating again is the same event written twice.
    distinct = interactions
    if interactions.is_duplicated().any():  # a third of the time of the ordered search
        distinct = interactions.unique(keep="first", maintain_order=True)
    dropped.append(Note("exact duplicates of another row", _lost(interactions, distinct)))
    _refuse_nothing(raw, distinct)
    if min_interactions > 1:
        core = k_core(distinct, min_interactions)
        dropped.append(Note(f"outside the {min_interactions}-core", _lost(distinct, core)))
        _refuse_nothing(raw, core)
        distinct, only_seen = core, True
    items, notes = _fitting_items(raw.items, distinct, only_seen)
    return Tidy(
        items,
        distinct,
        raw.interactions.height,
        tuple(note for note in dropped if note.count),
        (*raw.notes, *(note for note in notes if note.count)),
    )


def _fitting_items(
    items: pl.DataFrame, interactions: pl.DataFrame, only_seen: bool
) -> tuple[pl.DataFrame, list[Note]]:
    once = items.unique(schema.ITEM_ID, keep="first", maintain_order=True)
    notes = [Note("further rows of an item already described, left out", _lost(items, once))]
    seen = interactions.select(schema.ITEM_ID).unique(maintain_order=True)
    unknown = seen.join(once, on=schema.ITEM_ID, how="anti", maintain_order="left")
    notes.append(
        Note("items of the log without metadata, kept with an empty title", unknown.height)
    )
    unseen = once.join(seen, on=schema.ITEM_ID, how="anti").height
    if only_seen:
        once = once.join(seen, on=schema.ITEM_ID, how="semi", maintain_order="left")
        notes.append(Note("items without an interaction left, left out", unseen))
    else:
        notes.append(Note("items that nobody chose, kept", unseen))
    blank = pl.col(schema.TITLE).fill_null("")
    known = once.with_columns(blank)
    untitled = known.filter(pl.col(schema.TITLE) == "").height
    words = [name for name in (schema.TITLE, schema.TEXT) if name in known.columns]
    worded = any((known[name].fill_null("") != "").any() for name in words)
    told = "described items with an empty title, kept" if worded else "items without words, kept"
    notes.append(Note(told, untitled))
    return pl.concat([known, unknown], how="diagonal").with_columns(blank), notes


def _refuse_nothing(raw: Raw, left: pl.DataFrame) -> None:
    if not raw.interactions.height:
        raise DataError(f"{raw.origin}: the log holds no interaction")
    if left.is_empty():
        message = f"{raw.origin}: none of {raw.interactions.height} interactions remains; "
        raise DataError(message + "ask for a lower --min-rating or --min-interactions")


def _lost(before: pl.DataFrame, after: pl.DataFrame) -> int:
    return before.height - after.height
