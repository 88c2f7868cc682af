"""What `gistrec doctor` says of a server: whether it answers, sees and scores."""

from collections.abc import Callable, Iterator
from typing import Literal

from gistrec.cli.server_options import server_config
from gistrec.errors import EngineError
from gistrec.mllm.engines.client import Client, RefusedError
from gistrec.mllm.engines.probe import answer_of, gives_logprobs, takes_images

State = Literal["ok", "off", "bad"]
_SECONDS = 60.0  # the first answer of a server may wait for its model to be loaded


def look_at(url: str, model: str | None, key: str | None) -> Iterator[tuple[State, str]]:
    """Ask a server a few small things, each once.

    Args:
        url: of the server.
        model: which of its models is asked; None for the only one it has.
        key: the environment variable with its key, if it wants one.
    """
    listed: list[str] = []
    try:
        with _client(url, model or "unnamed", key) as client:
            listed = client.models()
        yield "ok", f"it answers; models: {', '.join(listed) or 'none listed'}"
    except EngineError as error:
        # Some servers list no models and answer all the same.
        yield ("off" if model else "bad"), f"models: {error}"
        if not model:
            return
    if model is None and len(listed) != 1:
        yield "off", "images and log-probabilities: name one of its models with --server-model"
        return
    with _client(url, model or listed[0], key) as client:
        yield from _capabilities(client)


def _capabilities(client: Client) -> Iterator[tuple[State, str]]:
    name = client.config.model
    try:
        answer_of(client, "What is this?")
    except EngineError as error:
        yield "bad", f"model {name}: {error}"
        return
    asked: tuple[tuple[str, Callable[[Client], bool | None], str], ...] = (
        ("images", takes_images, "they do not reach the model: no keywords of images"),
        ("log-probabilities", gives_logprobs, "none are returned: no scoring on this server"),
    )
    for what, can, without in asked:
        try:
            found = can(client)
        except EngineError as error:
            state: State = "off" if isinstance(error, RefusedError) else "bad"
            yield state, f"{what}, model {name}: {error}"
            continue
        if found is None:
            yield "off", f"{what}, model {name}: the server does not tell"
        else:
            yield ("ok" if found else "off"), f"{what}, model {name}: {'yes' if found else without}"


def _client(url: str, model: str, key: str | None) -> Client:
    return Client.open(server_config(url, model, key, attempts=1, timeout_seconds=_SECONDS))
