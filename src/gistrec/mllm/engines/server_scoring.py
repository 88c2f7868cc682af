"""Yes minus no from a server: vLLM, which tells the log-probabilities of tokens it is asked for.

Protocol: vLLM's chat completions with ``logprob_token_ids``
(vllm/entrypoints/openai/chat_completion/protocol.py); `transformers serve` has nothing like it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, NamedTuple, Self

import torch
from PIL import Image

from gistrec.config.engine import EngineConfig
from gistrec.errors import EngineError
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.client import Client, RefusedError
from gistrec.mllm.engines.engine import Question
from gistrec.mllm.engines.messages import ImageOf, messages
from gistrec.mllm.engines.probe import drawing
from gistrec.mllm.engines.side_by_side import side_by_side
from gistrec.mllm.engines.spelling import refuse_rewriting, spelled
from gistrec.mllm.packing import pack_prompts
from gistrec.mllm.scoring import yes_minus_no
from gistrec.mllm.vision.features import ImageFeatures

TOLERANCE = 0.3  # in logits: what bfloat16 on the one side and float32 on the other may come to

_NEEDED = "scoring needs vLLM with `logprob_token_ids`"
_TOKEN = "token_id:"  # how a token is named where `return_tokens_as_token_ids` is asked for
_KNOWN = prompts.known_of_user(
    prompts.Nouns("item", "chose"), ["red sofa", "blue lamp"], ["green chair"]
)
_FIXTURE = tuple(
    Question((*_KNOWN, *prompts.candidate(code, title, gist)))
    for code, title, gist in (
        (None, "Lamp", "blue lamp"),
        (None, "", "an old book about ships"),
        (0, "Sofa", "red sofa"),
        (0, "", ""),
    )
)


class Scored(NamedTuple):
    """One prompt's score, and how many tokens the server read, where it tells."""

    score: float
    tokens: int | None

    @classmethod
    def read(cls, told: object) -> Self:
        """From the list that JSON makes of one.

        Raises:
            ValueError: it is none.
        """
        match told:
            case [float(score), int() | None as tokens]:
                return cls(score, tokens)
        raise ValueError("no score with a count of tokens")


@dataclass(frozen=True, eq=False)
class ServerScorer:
    """Asks a server how strongly it says yes rather than no.

    Attributes:
        config: where, whom and how patiently.
        image_of: an item's encoded image.
        yes_ids, no_ids: tokens an answer may begin with, as the model on the server numbers them.
    """

    config: EngineConfig
    image_of: ImageOf
    yes_ids: tuple[int, ...]
    no_ids: tuple[int, ...]

    def score(self, questions: Sequence[Question]) -> list[float]:
        """Log p(yes) - log p(no) for each question, as ``scoring.yes_minus_no`` defines it.

        Raises:
            EngineError: the server does not answer, or does not tell the log-probabilities.
        """
        return [found.score for _, found in sorted(self.each(questions))]

    def each(self, questions: Sequence[Question]) -> Iterator[tuple[int, Scored]]:
        """Yield (number of the question, what ``score`` gives it) as the server answers.

        Raises:
            EngineError: the server does not answer, or does not tell the log-probabilities.
        """
        with Client.open(self.config) as client:

            def ask(number: int) -> Scored:
                asked = messages(questions[number].segments, self.image_of)
                told, tokens = self._told(client, asked)
                return Scored(_log_sum(told, self.yes_ids) - _log_sum(told, self.no_ids), tokens)

            yield from side_by_side(ask, len(questions), self.config.concurrency, client.stopped)

    def _told(
        self, client: Client, asked: list[dict[str, Any]]
    ) -> tuple[dict[int, float], int | None]:
        """The log-probability of each yes and no as the first token; the tokens of the prompt."""
        ids = [*self.yes_ids, *self.no_ids]
        body = {
            "messages": asked,
            "temperature": 0,
            "max_completion_tokens": 1,
            "logprobs": True,
            "logprob_token_ids": ids,
            "return_tokens_as_token_ids": True,
        }
        try:
            choice = client.chat(body)
        except RefusedError as error:
            raise EngineError(f"{error}. {_NEEDED}") from error
        told = _by_id(choice.get("logprobs"))
        if not told:
            raise EngineError(f"{client.base} returns no log-probabilities: {_NEEDED}")
        missing = [token for token in ids if token not in told]
        if missing:
            raise EngineError(
                f"{client.base} does not return the log-probabilities of the tokens it was asked "
                f"for ({len(missing)} of {len(ids)} are missing): {_NEEDED}"
            )
        usage = choice.get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, Mapping) else None
        return told, tokens if isinstance(tokens, int) else None


def open_server_scorer(
    config: EngineConfig, backbone: Backbone, image_of: ImageOf, tolerance: float = TOLERANCE
) -> ServerScorer:
    """A scorer whose server has been seen to agree with the model here, on a few fixed questions.

    Args:
        config: where, whom and how patiently.
        backbone: the same model, loaded here.
        image_of: an item's encoded image.
        tolerance: by how much, in logits, a score may differ.

    Raises:
        EngineError: it does not answer, tells no log-probabilities, or disagrees; or the model's
            chat template changes prompts, so that none is asked.
    """
    fixed = ServerScorer(config, lambda _: drawing(), backbone.yes_ids, backbone.no_ids)
    features = _drawing_seen(backbone)
    for question in _FIXTURE:
        refuse_rewriting(backbone, question.segments, features.grid)
    asked = [Question(spelled(backbone, one.segments)) for one in _FIXTURE]
    there = [found for _, found in sorted(fixed.each(asked))]
    here = _local_scores(backbone, features)
    pairs = list(zip(there, here, strict=True))
    apart = max(abs(one.score - other.score) for one, other in pairs)
    if not apart <= tolerance:
        raise EngineError(
            f"the scores of {config.url} differ from those of the model here by up to {apart:.3f} "
            f"logits ({', '.join(f'{one.score:.3f} for {other.score:.3f}' for one, other in pairs)}"
            f"), and may by {tolerance:g}: does it serve the same model and revision, with the "
            f"same chat template and image size?{_read_otherwise(pairs)}"
        )
    return replace(fixed, image_of=image_of)


def _read_otherwise(pairs: Sequence[tuple[Scored, Scored]]) -> str:
    """A hint where the two sides do not even read equally many tokens."""
    if all(one.tokens in (None, other.tokens) for one, other in pairs):
        return ""
    there, here = (
        ", ".join(str(side.tokens) for side in sides) for sides in zip(*pairs, strict=True)
    )
    return f" It reads {there} tokens where {here} are read here"


@torch.no_grad()
def _drawing_seen(backbone: Backbone) -> ImageFeatures:
    image = Image.open(BytesIO(drawing())).convert("RGB")
    (prepared,) = backbone.family.prepare([image])
    (seen,) = backbone.family.look([prepared])
    return ImageFeatures.held(1, {0: (prepared.grid, seen.cpu())})


@torch.no_grad()
def _local_scores(backbone: Backbone, features: ImageFeatures) -> list[Scored]:
    scores = []
    for question in _FIXTURE:
        tokens = backbone.question(question.segments, features.grid)
        packed = pack_prompts([tokens], backbone.layout).to(backbone.device)
        hidden = backbone.hidden(packed, features.of(packed.images, backbone.device))
        scores.append(Scored(float(yes_minus_no(backbone, hidden[:, -1])), len(tokens.ids)))
    return scores


def _by_id(logprobs: object) -> dict[int, float]:
    """What a choice's ``logprobs`` tell of the first token, by token id."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    first = content[0] if isinstance(content, list) and content else None
    entries = first.get("top_logprobs") if isinstance(first, Mapping) else None
    told = {}
    for entry in entries if isinstance(entries, list) else []:
        token = str(entry.get("token", ""))
        number = token.removeprefix(_TOKEN)
        if token.startswith(_TOKEN) and number.isdigit():
            told[int(number)] = float(entry["logprob"])
    return told


def _log_sum(told: Mapping[int, float], ids: Sequence[int]) -> float:
    highest = max(told[token] for token in ids)
    return highest + math.log(sum(math.exp(told[token] - highest) for token in ids))
