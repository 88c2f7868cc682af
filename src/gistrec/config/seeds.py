"""One seed for a whole run: every stage's seed, found in the model of the configuration itself."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from gistrec.errors import ConfigError

_SEED = "seed"
_KEPT = ("evaluation",)  # the bootstrap's is no part of what is measured


def seed_keys(model: type[BaseModel]) -> list[str]:
    """The keys of all seeds under ``model``, as ``stage.key``, but for the evaluation's."""
    return [".".join(path) for path in _paths(model) if path[-1] == _SEED and path[0] not in _KEPT]


def seed_overrides(model: type[BaseModel], seed: int) -> list[str]:
    """Settings that give every stage the same seed, as ``stage.key=value``."""
    return [f"{key}={seed}" for key in seed_keys(model)]


def parse_seeds(text: str) -> list[int]:
    """Whole numbers of 0 or more with commas between them, each once.

    Raises:
        ConfigError: something else stands there.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ConfigError(f"--seeds {text}: write whole numbers with commas, for example 0,1,2")
    return list(dict.fromkeys(map(int, parts)))


def _paths(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        yield (*above, name)
        for section in _sections(field.annotation):
            yield from _paths(section, (*above, name))


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for member in get_args(annotation):
        yield from _sections(member)
