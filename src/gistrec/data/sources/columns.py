"""How a person says which of their columns is which."""

from collections.abc import Sequence
from dataclasses import dataclass

from gistrec import schema
from gistrec.errors import ConfigError

ITEMS = "items"
INTERACTIONS = "interactions"
_KNOWN = {
    ITEMS: (
        schema.ITEM_ID, schema.TITLE, schema.TEXT, schema.IMAGE, schema.IMAGE_PATH, schema.IMAGE_URL
    ),
    INTERACTIONS: (schema.USER_ID, schema.ITEM_ID, schema.TIMESTAMP, schema.RATING),
}  # fmt: skip


@dataclass(frozen=True)
class ColumnMap:
    """Our column names to theirs; a name not mentioned is the same in both.

    Attributes:
        pairs: (table, our name, their name), of which the first that fits holds; table is "items"
            or "interactions".
    """

    pairs: tuple[tuple[str, str, str], ...] = ()

    def theirs(self, table: str, ours: str) -> str:
        """What ``ours`` is called in their ``table``."""
        for named_table, named, column in self.pairs:
            if (named_table, named) == (table, ours):
                return column
        return ours

    def says(self, table: str, ours: str) -> bool:
        """Whether the person mentioned this column, so that its absence is an error."""
        return any(pair[:2] == (table, ours) for pair in self.pairs)


def parse_column_map(texts: Sequence[str]) -> ColumnMap:
    """Read ``OURS=THEIRS`` or ``items.OURS=THEIRS`` or ``interactions.OURS=THEIRS``.

    Raises:
        ConfigError: not of that form, or a column that no dataset has.
    """
    for_one: list[tuple[str, str, str]] = []
    for_both: list[tuple[str, str, str]] = []
    for text in texts:
        ours, equals, theirs = text.partition("=")
        table, dot, column = ours.rpartition(".")
        tables = [table] if dot else list(_KNOWN)
        fitting = [name for name in tables if column in _KNOWN.get(name, ())]
        if not (equals and theirs and fitting):
            known = ", ".join(dict.fromkeys(name for names in _KNOWN.values() for name in names))
            raise ConfigError(
                f"--map {text}: must be OURS=THEIRS, items.OURS=THEIRS or interactions.OURS=THEIRS,"
                f" where OURS is one of {known}"
            )
        (for_one if dot else for_both).extend((name, column, theirs) for name in fitting)
    return ColumnMap((*for_one, *for_both))
