"""A server as the command line names it."""

from pydantic import ValidationError

from gistrec.config.engine import EngineConfig
from gistrec.errors import ConfigError


def server_config(url: str, model: str, key: str | None, **more: float) -> EngineConfig:
    """Where a server is and which of its models is asked.

    Args:
        url: of the server.
        model: one of its models.
        key: the environment variable with its key, if it wants one.
        more: further settings of an engine.

    Raises:
        ConfigError: the url is none.
    """
    try:
        return EngineConfig.model_validate(
            {"kind": "server", "url": url, "model": model, "api_key_variable": key, **more}
        )
    except ValidationError as error:
        wrong = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--server {url}: {wrong}") from error
