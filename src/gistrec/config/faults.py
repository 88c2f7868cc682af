"""What is wrong with a configuration, in words: the key, where it stands, what was expected."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gistrec.config.setting_paths import setting_paths

_SHOWN = 3  # how many near keys a message names
_MANY = "configuration"  # where no single preset, file or override is to be named


def describe_faults(
    error: ValidationError, model: type[BaseModel], origins: Mapping[tuple[str, ...], str]
) -> str:
    """One line a fault.

    Args:
        error: what pydantic found.
        model: the model of the whole configuration.
        origins: for each key (as the path to it) what set it: a preset, a file, an override.
    """
    faults = error.errors()
    return "\n".join(
        _line(fault, model, origins) for fault in faults if not _follows_from_another(fault, faults)
    )


def _follows_from_another(fault: ErrorDetails, faults: Sequence[ErrorDetails]) -> bool:
    """Whether a list is only too short for an entry of it that is told of, too."""
    place = fault["loc"]
    deeper = (one["loc"] for one in faults if len(one["loc"]) > len(place))
    return fault["type"] == "too_short" and any(loc[: len(place)] == place for loc in deeper)


def _line(
    fault: ErrorDetails, model: type[BaseModel], origins: Mapping[tuple[str, ...], str]
) -> str:
    path = tuple(str(part) for part in fault["loc"])
    where = _origin(path, origins)
    key = _key(fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key {key}{_nearest(path, model)}"
    if fault["type"] == "missing":
        return f"{where}: {key} is missing"
    if isinstance(fault["input"], Mapping):  # settings that do not go together
        all_of_it = _origin_of_all(path, origins)
        if not path and all_of_it == _MANY:  # which says already what is meant
            return f"{all_of_it}: {_expected(fault)}"
        return f"{all_of_it}: {key}: {_expected(fault)}"
    return f"{where}: {key} = {_shown(fault['input'])}: {_expected(fault)}"


def _key(loc: tuple[int | str, ...]) -> str:
    """``stage.key``, and which entry where it stands in a list."""
    key = ".".join(part for part in loc if isinstance(part, str)) or "the configuration"
    return key + "".join(f", entry {part + 1}" for part in loc if isinstance(part, int))


def _expected(fault: ErrorDetails) -> str:
    told = fault.get("ctx", {})
    match fault["type"]:
        case "too_short":
            return f"give {told['min_length']} or more; here are {told['actual_length']}"
        case "too_long":
            return f"give {told['max_length']} or fewer; here are {told['actual_length']}"
        case "bool_parsing" | "bool_type":
            return "it is true or false"
        case "tuple_type" | "list_type":
            return "it is a list, written [a, b]"
        case _:
            return _lowered(fault["msg"])


def _origin_of_all(path: tuple[str, ...], origins: Mapping[tuple[str, ...], str]) -> str:
    """Who set all that was set under ``path``, if it was one; a list was set whole."""
    found = {where for key, where in origins.items() if key[: len(path)] == path}
    if not found:
        return _origin(path, origins)
    return found.pop() if len(found) == 1 else _MANY


def _origin(path: tuple[str, ...], origins: Mapping[tuple[str, ...], str]) -> str:
    """Who set the key, or the nearest one above it."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return _MANY


def _nearest(path: tuple[str, ...], model: type[BaseModel]) -> str:
    """Keys like the one written: of the same section, or of that name anywhere else."""
    section = tuple(part for part in path[:-1] if not part.isdigit())  # not places in a list
    name = path[-1]
    known = dict.fromkeys(setting_paths(model))
    siblings = [key[-1] for key in known if key[:-1] == section]
    near = get_close_matches(name, siblings, n=_SHOWN)
    found = [".".join((*section, key)) for key in near]
    found += [".".join(key) for key in known if key[-1] == name and ".".join(key) not in found]
    if found:
        return f"; did you mean {' or '.join(found[:_SHOWN])}?"
    return f"; known here: {', '.join(siblings)}" if siblings else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _lowered(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
