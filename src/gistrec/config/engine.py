"""Who answers questions in words: the backbone within this process, or a server."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig


class EngineConfig(StageConfig):
    """An engine.

    Attributes:
        kind: `local`, the run's backbone in this process, or `server`, any that speaks the OpenAI
            protocol: vLLM, SGLang, `transformers serve`.
        url: of the server, for example http://localhost:8000/v1.
        model: the model's name on the server.
        api_key_variable: the environment variable that holds the server's key, where it wants one.
        concurrency: requests under way at a time.
        attempts: how often a request is sent when its failure may pass.
        timeout_seconds: how long one request may take.
    """

    kind: Literal["local", "server"] = "local"
    url: str | None = None
    model: str | None = None
    api_key_variable: str | None = None
    concurrency: int = Field(default=8, ge=1, le=1024)
    attempts: int = Field(default=6, ge=1)
    timeout_seconds: float = Field(default=120.0, gt=0)

    @model_validator(mode="after")
    def _server_is_named(self) -> Self:
        if self.kind == "server" and not (self.url and self.model):
            raise ValueError("an engine of kind server needs its url and its model")
        if self.kind == "local":
            self._refuse_servers_settings()
        if self.url is not None:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"url ({self.url}) must begin with http:// or https:// and a host")
            if parts.username or parts.password:
                raise ValueError("url must not hold a password: name a variable, api_key_variable")
        return self

    def _refuse_servers_settings(self) -> None:
        """A server that is named and not asked is a slip."""
        for key in ("url", "model", "api_key_variable"):
            if getattr(self, key) is not None:
                raise ValueError(
                    f"{key} is given, but kind=local: set kind=server or leave {key} out"
                )

    def deciding(self) -> "EngineConfig":
        """Itself with everything at its default that changes no answer."""
        kept = {"kind": self.kind, "model": self.model}
        return EngineConfig().model_copy(update=kept)
