"""From a preset, a file and overrides to one checked configuration; later ones win."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from gistrec.config.documents import format_yaml, parse_yaml
from gistrec.config.faults import describe_faults
from gistrec.config.overrides import parse_override
from gistrec.errors import ConfigError
from gistrec.files import write_text

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class _Layer:
    """Settings and where they come from."""

    origin: str
    settings: dict[str, Any]


def load_config(
    model: type[M],
    preset: str | None = None,
    file: Path | None = None,
    overrides: Sequence[str] = (),
    swept: Sequence[str] = (),
) -> M:
    """Read a configuration: the model's defaults, then the preset, the file, the overrides.

    Args:
        model: the pydantic model of the whole; it must forbid what it does not know.
        preset: one of `available_presets`, without its ".yaml".
        file: a YAML file.
        overrides: ``stage.key=value`` each, the value as YAML.
        swept: the same, of a variant; faults are told as those of a sweep.

    Raises:
        ConfigError: a key is unknown, a value is not what it must be, or a file cannot be read;
            the message names the key, where it stands, and the nearest known keys.
    """
    layers = list(_layers(preset, file, overrides))
    layers += [_Layer(f"--sweep {setting}", parse_override(setting)) for setting in swept]
    merged: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for layer in layers:
        _merge(merged, layer.settings, (), layer.origin, origins)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(describe_faults(error, model, origins)) from error


def merged_settings(file: Path | None, overrides: Sequence[str]) -> dict[str, Any]:
    """A file's settings with ``stage.key=value`` overrides over them, not checked by any model.

    Raises:
        ConfigError: the file cannot be read, or an override is none.
    """
    merged: dict[str, Any] = {}
    for layer in _layers(None, file, overrides):
        _merge(merged, layer.settings, (), layer.origin, {})
    return merged


def save_config(config: BaseModel, path: Path) -> None:
    """Write ``config`` as YAML, atomically; `load_config` with this file gives it back."""
    write_text(path, format_yaml(config.model_dump(mode="json")))


def available_presets() -> list[str]:
    """The names of the systems that come with gistrec, in alphabetical order."""
    folder = resources.files("gistrec.config").joinpath("presets")
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def _layers(preset: str | None, file: Path | None, overrides: Sequence[str]) -> Iterator[_Layer]:
    if preset is not None:
        yield _parsed(_preset_text(preset), f"preset {preset}")
    if file is not None:
        yield _parsed(_file_text(file), str(file))
    for override in overrides:
        yield _Layer(f"--set {override}", parse_override(override))


def _preset_text(preset: str) -> str:
    known = available_presets()
    if preset not in known:
        near = get_close_matches(preset, known, n=1)
        meant = f"; did you mean {near[0]}?" if near else "."
        message = f"no system is called {preset!r}{meant} Known: {', '.join(known) or 'none'}"
        raise ConfigError(message)
    source = resources.files("gistrec.config").joinpath("presets", f"{preset}.yaml")
    return source.read_text(encoding="utf-8")


def _file_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        message = f"cannot read the configuration {file}: {error.strerror}"
        raise ConfigError(message) from error
    except UnicodeDecodeError as error:
        message = f"the configuration {file} is not UTF-8 text (byte {error.start})"
        raise ConfigError(message) from error


def _parsed(text: str, origin: str) -> _Layer:
    try:
        settings = parse_yaml(text)
    except yaml.YAMLError as error:
        message = f"{origin} is not YAML: {' '.join(str(error).split())}"
        raise ConfigError(message) from error
    if settings is None:
        settings = {}
    if not isinstance(settings, dict):
        message = f"{origin} must hold `key: value` lines, and holds {type(settings).__name__}"
        raise ConfigError(message)
    return _Layer(origin, settings)


def _merge(
    into: dict[str, Any],
    settings: dict[Any, Any],
    above: tuple[str, ...],
    origin: str,
    origins: dict[tuple[str, ...], str],
) -> None:
    """Lay ``settings`` over ``into``, key by key, and note in ``origins`` who set what."""
    for raw, value in settings.items():
        key = str(raw)
        path = (*above, key)
        origins[path] = origin
        if isinstance(value, dict):
            below = into.get(key)
            into[key] = below if isinstance(below, dict) else {}
            _merge(into[key], value, path, origin, origins)
        else:
            into[key] = value
