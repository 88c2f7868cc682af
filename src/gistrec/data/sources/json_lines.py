"""Files with one JSON object a line, gzipped or not."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from gistrec.data.sources.delimited import opened
from gistrec.data.sources.fields import Row
from gistrec.errors import DataError


@dataclass(frozen=True)
class JsonLines:
    """JSON Lines of which only some keys are wanted; keys that a line lacks are null.

    Attributes:
        path: the file; may end in .gz.
        texts: keys read as String whatever their JSON type.
        lists: keys that hold a list, with the type of its elements.
    """

    path: Path
    texts: tuple[str, ...]
    lists: tuple[tuple[str, pl.DataType], ...] = ()
    counts: ClassVar[str] = "line"

    def scan(self) -> pl.LazyFrame:
        """All objects; the ``texts`` as String, the ``lists`` as lists."""
        schema: dict[str, pl.DataType] = {name: pl.String() for name in self.texts}
        schema |= {name: pl.List(element) for name, element in self.lists}
        return pl.scan_ndjson(self.path, schema=schema)

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Line number and object of every line.

        Raises:
            DataError: a line is not a JSON object, or a list is something else.
        """
        with opened(self.path) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, self._object(number, line)

    def _object(self, number: int, line: str) -> Row:
        where = f"{self.path}, line {number}"
        try:
            value = json.loads(line)
        except ValueError as error:
            raise DataError(f"{where}: not JSON ({error})") from None
        if not isinstance(value, dict):
            raise DataError(f"{where}: a JSON {type(value).__name__} instead of an object")
        for name, _ in self.lists:
            if not isinstance(value.get(name), list | None):
                raise DataError(f"{where}, field {name!r}: {value[name]!r} is not a list")
        return value
