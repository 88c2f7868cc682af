"""Requests to a server that speaks the OpenAI protocol: patient where it pays, clear where not."""

import json
import os
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from gistrec.config.engine import EngineConfig
from gistrec.errors import EngineError

_PASSING = (408, 425, 429, 500, 502, 503, 504)
_BACK_OFF = 0.5  # seconds before the second attempt; doubled before each further one
_LONGEST_BACK_OFF = 60.0  # seconds
_LONGEST_WAIT = 600.0  # seconds; a server that asks for more is asked again sooner
_CONNECT_SECONDS = 10.0
_TOLD = 300  # characters of a server's own words that are repeated
_NO_IMAGES = re.compile(
    r"multi-?modal|image_url|image input|(?:support|accept|process|read)\w* (?:\w+ )?images?|vision"
)
_TOO_LONG = re.compile(
    r"context (?:length|window)|maximum (?:model |input )?(?:length|tokens)|too long"
)
_KEPT = "What was answered is kept: run the same command again to go on."


class RefusedError(EngineError):
    """A server takes a request for impossible, whoever asks."""


class _PassingError(Exception):
    """A failure that may pass, and the seconds after which the server wants to be asked again."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


@dataclass(frozen=True, eq=False)
class Client:
    """Asks one model of one server; safe to use from several threads.

    Attributes:
        config: where, whom and how patiently.
        base: the address that the protocol's paths follow.
        key: the server's key, never shown.
        stopped: set when nobody waits for answers any more.
    """

    config: EngineConfig
    base: str
    key: str | None
    stopped: threading.Event
    _http: httpx.Client

    @classmethod
    def open(cls, config: EngineConfig) -> Self:
        """Connect to nothing yet.

        Raises:
            EngineError: the variable that is to hold the key is not set.
        """
        key = None
        if config.api_key_variable is not None:
            key = os.environ.get(config.api_key_variable, "").strip()
            if not key:
                raise EngineError(
                    f"the environment variable {config.api_key_variable} is to hold the server's "
                    "key and is not set: export it, or leave api_key_variable out"
                )
            if not (key.isascii() and key.isprintable()):
                raise EngineError(
                    f"the environment variable {config.api_key_variable} holds signs that no key "
                    "can have: look whether it was copied whole"
                )
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        timeout = httpx.Timeout(
            config.timeout_seconds, connect=min(_CONNECT_SECONDS, config.timeout_seconds)
        )
        limits = httpx.Limits(
            max_connections=config.concurrency, max_keepalive_connections=config.concurrency
        )
        http = httpx.Client(headers=headers, timeout=timeout, limits=limits)
        return cls(config, _base(config.url or ""), key, threading.Event(), http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._http.close()

    def models(self) -> list[str]:
        """Names of the models the server says it has; asked once, without patience.

        Raises:
            EngineError: it does not answer, or with something else.
        """
        found = self._asked("GET", "/models", None, attempts=1)
        listed = found.get("data")
        if not isinstance(listed, list):
            raise EngineError(f"{self.base} is no OpenAI-compatible server: it lists no models")
        return [str(model["id"]) for model in listed if isinstance(model, dict) and "id" in model]

    def chat(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The first choice of a chat completion, with the usage beside it, as the server gave it.

        Args:
            body: of the request, without the model.

        Raises:
            EngineError: no answer after all attempts, or one that will not change.
        """
        found = self._asked(
            "POST", "/chat/completions", {"model": self.config.model, **body}, self.config.attempts
        )
        choices = found.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise EngineError(
                f"{self.base} answers with no choices: is it an OpenAI-compatible server?"
            )
        return {**choices[0], "usage": found.get("usage")}

    def _asked(
        self, method: str, path: str, body: Mapping[str, Any] | None, attempts: int
    ) -> Mapping[str, Any]:
        for attempt in range(1, attempts + 1):
            try:
                return self._once(method, path, body)
            except _PassingError as failure:
                if attempt == attempts:
                    times = f" ({attempts} attempts). {_KEPT}" if attempts > 1 else ""
                    raise EngineError(f"{self.base} {failure}{times}") from failure
                longest = min(_LONGEST_BACK_OFF, _BACK_OFF * 2 ** (attempt - 1))
                # Never all at once: those who were refused together would come back together.
                wait = max(min(failure.wait, _LONGEST_WAIT), longest * random.uniform(0.5, 1.0))
                if self.stopped.wait(wait):
                    raise EngineError("stopped") from failure
        raise AssertionError("attempts are at least 1")

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        try:
            response = self._http.request(method, self.base + path, json=body)
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise _PassingError("cannot be reached: nothing answers at that address") from error
            seconds = self.config.timeout_seconds
            raise _PassingError(
                f"does not answer within {seconds:g} s: raise timeout_seconds or lower concurrency"
            ) from error
        except httpx.TransportError as error:
            why = f"cannot be reached ({self._safe(str(error)) or type(error).__name__})"
            raise _PassingError(f"{why}: is the server running, and its url right?") from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise RefusedError(
                f"cannot be asked ({self._safe(str(error)) or type(error).__name__}): is its url "
                "right?"
            ) from error
        if response.is_success:
            return self._parsed(response)
        told = self._told(response)
        if response.status_code in _PASSING:
            why = f"fails with {response.status_code}{told}"
            raise _PassingError(why, _retry_after(response))
        raise RefusedError(self._refusal(response.status_code, told, path, body))

    def _parsed(self, response: httpx.Response) -> Mapping[str, Any]:
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise EngineError(
                f"{self.base} is no OpenAI-compatible server: it answers with something other than "
                "a JSON object; its url usually ends in /v1"
            )
        return found

    def _refusal(self, status: int, told: str, path: str, body: Mapping[str, Any] | None) -> str:
        """What is wrong with a request that will never be taken, and what to do."""
        if status in (401, 403):
            variable = self.config.api_key_variable
            if variable is None:
                todo = "put its key into an environment variable and name that: api_key_variable"
            else:
                todo = f"the key in {variable} is not accepted"
            return f"{self.base} wants a key ({status}{told}): {todo}"
        names_model = path != "/models" and str(self.config.model) in told
        if status == 404 and not names_model and "model" not in told.lower():
            return (
                f"{self.base} is no OpenAI-compatible server (404 at {path}): its url usually ends "
                "in /v1"
            )
        shows_image = body is not None and "data:image" in json.dumps(body.get("messages"))
        if shows_image and _NO_IMAGES.search(told.lower()):
            return no_images(self.base, str(self.config.model)) + f" ({status}{told})"
        if _TOO_LONG.search(told.lower()):
            return (
                f"a question is too long for {self.base} ({status}{told}): lower "
                "gist.max_text_tokens, or serve the model with a longer context"
            )
        if status == 404 or names_model:
            return (
                f"{self.base} does not serve the model {self.config.model!r}{told}{self._known()}"
            )
        return f"{self.base} refuses a request ({status}{told})"

    def _known(self) -> str:
        try:
            found = self.models()
        except EngineError:
            return ""
        return f"; it has: {', '.join(found)}" if found else ""

    def _told(self, response: httpx.Response) -> str:
        """The server's own words, shortened, without the key."""
        try:
            found = response.json()
        except ValueError:
            found = response.text
        for name in ("error", "message", "detail"):
            if isinstance(found, dict) and found.get(name):
                found = found[name]
        text = found if isinstance(found, str) else json.dumps(found)
        text = self._safe(" ".join(text.split()))[:_TOLD]
        return f": {text}" if text else ""

    def _safe(self, text: str) -> str:
        return text if self.key is None else text.replace(self.key, "***")


def no_images(base: str, model: str) -> str:
    """What a person is told whose model reads text alone."""
    return (
        f"{base} does not show images to {model!r}: serve a model that reads images and text, or "
        "ask for no keywords of images (gist.image_keywords=0)"
    )


def _base(url: str) -> str:
    url = url.rstrip("/")
    return url if urlsplit(url).path else f"{url}/v1"


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks to be left alone."""
    stated = response.headers.get("Retry-After", "").strip()
    if stated.isdigit():
        return float(stated)
    try:
        then = parsedate_to_datetime(stated)
    except ValueError:
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
