"""`--set stage.key=value` on the command line, as nested settings."""

from typing import Any

import yaml

from gistrec.config.documents import parse_yaml
from gistrec.errors import ConfigError


def parse_override(text: str) -> dict[str, Any]:
    """Read one ``stage.key=value``; the value is YAML, so 3, true, [1, 2] and null have types.

    Raises:
        ConfigError: there is no "=", a part of the key is empty, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        message = f"--set {text}: write it as stage.key=value, for example --set split.seed=1"
        raise ConfigError(message)
    try:
        setting = parse_yaml(value)
    except yaml.YAMLError as error:
        message = f"--set {text}: the value is not YAML; put quotes around a text with : or [ in it"
        raise ConfigError(message) from error
    for part in reversed(parts):
        setting = {part: setting}
    return dict(setting)
