"""Every setting that a configuration has, found in its model."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel


def setting_paths(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names that lead to each setting and section under ``model``, sections first."""
    for name, field in model.model_fields.items():
        yield (*above, name)
        for section in _sections(field.annotation):
            yield from setting_paths(section, (*above, name))


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field may hold: itself, or the members of an optional or a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for member in get_args(annotation):
        yield from _sections(member)
