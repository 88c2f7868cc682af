"""What a server can do, found out by asking it small things."""

from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image

from gistrec.mllm.engines.client import Client
from gistrec.mllm.engines.messages import messages
from gistrec.mllm.prompts import ItemImage, Segment

_SIDE = 128  # pixels; large enough for every family's smallest image


def answer_of(client: Client, question: str) -> str:
    """The first token that the server answers.

    Raises:
        EngineError: it does not answer.
    """
    message = client.chat(_question([question])).get("message")
    return str(message.get("content")) if isinstance(message, dict) else ""


def takes_images(client: Client) -> bool | None:
    """Whether an image in a question reaches the model; None where the server does not tell.

    Some servers drop images without a word where a model reads text alone, so that a question takes
    as many tokens with an image as without.

    Raises:
        EngineError: the server does not answer, or refuses images.
    """
    with_image = _prompt_tokens(client, [ItemImage(0), "What is this?"])
    without = _prompt_tokens(client, ["What is this?"])
    return None if with_image is None or without is None else with_image > without


def gives_logprobs(client: Client) -> bool:
    """Whether the server says how likely it found its answer.

    Raises:
        EngineError: it does not answer, or refuses to say.
    """
    body = {**_question(["Is snow white?"]), "logprobs": True}
    found = client.chat(body).get("logprobs")
    return isinstance(found, dict) and bool(found.get("content"))


def _prompt_tokens(client: Client, segments: list[Segment]) -> int | None:
    usage = client.chat(_question(segments)).get("usage")
    counted = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return counted if isinstance(counted, int) else None


def _question(segments: list[Segment]) -> dict[str, Any]:
    return {
        "messages": messages(segments, lambda _: drawing()),
        "temperature": 0,
        "max_completion_tokens": 1,
    }


@cache
def drawing() -> bytes:
    """An image to ask about."""
    stream = BytesIO()
    Image.linear_gradient("L").resize((_SIDE, _SIDE)).convert("RGB").save(stream, "PNG")
    return stream.getvalue()
