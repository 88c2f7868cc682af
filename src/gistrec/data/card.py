"""What a dataset calls itself and its items: dataset.json."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gistrec import schema
from gistrec.data.defect import Defect
from gistrec.files import read_json, write_json

_WORDS = ("name", "item_noun", "verb", "source")
_COUNTS = ("items", "users", "interactions")


@dataclass(frozen=True)
class Card:
    """Name and nouns of a dataset.

    Attributes:
        name: of the dataset.
        item_noun: what prompts call an item: "video".
        verb: what prompts say a user did with it, in the past tense: "watched".
        source: where it came from.
    """

    name: str
    item_noun: str = "item"
    verb: str = "chose"
    source: str = ""


@dataclass(frozen=True)
class Census:
    """What dataset.json says the files hold, to notice files changed since; None where unsaid."""

    items: int | None = None
    users: int | None = None
    interactions: int | None = None
    fingerprint: str | None = None


def read_card(folder: Path) -> tuple[Card, Census, list[Defect]]:
    """The card of ``folder``; without a dataset.json its name is the folder's."""
    path, unnamed = folder / schema.DATASET_FILE, Card(folder.resolve().name)
    if not path.exists():
        return unnamed, Census(), []
    try:
        found = read_json(path)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        return unnamed, Census(), [_fault("", f"cannot be read as JSON ({error})")]
    if not isinstance(found, dict):
        return unnamed, Census(), [_fault("", "must hold one JSON object")]
    return _card_of(found, unnamed.name)


def write_card(path: Path, card: Card, census: Census) -> None:
    """Write dataset.json, atomically."""
    counts = {name: getattr(census, name) for name in _COUNTS}
    write_json(path, {**asdict(card), "counts": counts, "fingerprint": census.fingerprint})


def _card_of(found: dict[str, Any], name: str) -> tuple[Card, Census, list[Defect]]:
    words = {"name": name} | {word: found[word] for word in _WORDS if word in found}
    defects = [
        _fault(word, f"must be text, and is {value!r}")
        for word, value in words.items()
        if not isinstance(value, str)
    ]
    raw = found.get("counts", {})
    counts = {key: raw.get(key) for key in _COUNTS} if isinstance(raw, dict) else {"counts": raw}
    defects += [
        _fault(f"counts.{key}", f"must be a whole number, and is {value!r}")
        for key, value in counts.items()
        if value is not None and type(value) is not int
    ]
    mark = found.get("fingerprint")
    if mark is not None and not isinstance(mark, str):
        defects.append(_fault("fingerprint", f"must be text, and is {mark!r}"))
    if defects:
        return Card(name), Census(), defects
    return Card(**words), Census(**counts, fingerprint=mark), []


def _fault(field: str, what: str) -> Defect:
    return Defect(schema.DATASET_FILE, None, field, f"{what}; mend it or delete the file", True)
