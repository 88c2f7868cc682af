"""What can be wrong between interactions, and between them and the items."""

import numpy as np
import polars as pl

from gistrec import schema
from gistrec.data.coding import UNKNOWN, Coded, TimeOrder
from gistrec.data.defect import Defect
from gistrec.data.sequences import LongArray

_FILE = schema.INTERACTIONS_FILE


def interaction_defects(
    log: Coded, order: TimeOrder, chosen: pl.Series, item_ids: pl.Series
) -> list[Defect]:
    """Defects of a log with sound columns.

    Args:
        log: in the order of its file.
        order: how it comes in time order.
        chosen: String [n], the item ids of the log.
        item_ids: String [n_items], those of the catalogue.
    """
    return [
        *_unknown_items(log, chosen),
        *_late_rows(order.late),
        *_repeats(log, order),
        *_lone_users(log),
        *_unseen_items(log, item_ids),
    ]


def _unknown_items(log: Coded, chosen: pl.Series) -> list[Defect]:
    rows = np.flatnonzero((log.item_codes == UNKNOWN) & chosen.is_not_null().to_numpy())
    example = chosen[int(rows[0])] if len(rows) else ""
    what = f"{example!r} is not in {schema.ITEMS_FILE}; add the item or remove the interaction"
    return _at(rows, schema.ITEM_ID, what, fatal=True)


def _late_rows(late: LongArray) -> list[Defect]:
    what = "is earlier than the same user's row before it; rows are sorted by time, stably"
    return _at(late, schema.TIMESTAMP, what, fatal=False)


def _repeats(log: Coded, order: TimeOrder) -> list[Defect]:
    """Rows of one user at one moment: of unknown order, or the very same event twice."""
    rows = order.rows if order.rows is not None else np.arange(len(log.timestamps))
    users, times = log.user_codes[rows], log.timestamps[rows]
    same = (np.diff(users) == 0) & (np.diff(times) == 0)
    if not same.any():
        return []
    what = "equals that of another row of the same user; such rows keep their order"
    equal = _at(np.sort(rows[1:][same]), schema.TIMESTAMP, what, fatal=False)
    tied = np.append(same, False) | np.append(False, same)
    return equal + _doubles(log, rows[tied])


def _doubles(log: Coded, rows: LongArray) -> list[Defect]:
    order = np.lexsort((log.item_codes[rows], log.timestamps[rows], log.user_codes[rows]))
    part = log.take(rows[order])
    columns = (part.user_codes, part.timestamps, part.item_codes)
    again = np.logical_and.reduce([np.diff(column) == 0 for column in columns])
    what = "the same user, item and timestamp stand in an earlier row; both are kept"
    return _at(np.sort(rows[order][1:][again]), schema.ITEM_ID, what, fatal=False)


def _lone_users(log: Coded) -> list[Defect]:
    known = np.flatnonzero(log.user_codes != UNKNOWN)
    users = log.user_codes[known]
    rows = known[(np.bincount(users, minlength=len(log.users)) == 1)[users]]
    what = "has this interaction only; such users train nothing and are never asked"
    return _at(rows, schema.USER_ID, what, fatal=False)


def _unseen_items(log: Coded, item_ids: pl.Series) -> list[Defect]:
    seen = np.zeros(len(item_ids), dtype=np.bool_)
    seen[log.item_codes[log.item_codes != UNKNOWN]] = True
    unseen = ~seen & item_ids.is_first_distinct().to_numpy()
    what = "occurs in no interaction; such items stay in the catalogue"
    return _at(np.flatnonzero(unseen), schema.ITEM_ID, what, fatal=False, file=schema.ITEMS_FILE)


def _at(rows: LongArray, field: str, what: str, *, fatal: bool, file: str = _FILE) -> list[Defect]:
    if not len(rows):
        return []
    return [Defect(file, int(rows[0]), field, what, fatal, len(rows))]
