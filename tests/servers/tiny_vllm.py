"""A backbone behind vLLM's protocol for log-probabilities of given tokens."""

import base64
import copy
from io import BytesIO
from typing import Any

import torch
from PIL import Image
from tokenizers import pre_tokenizers

from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.engines.engine import Question
from gistrec.mllm.generation import generate
from gistrec.mllm.packing import Tokens, pack_prompts
from gistrec.mllm.prompts import ItemImage, Segment
from gistrec.mllm.scoring import yes_minus_no
from gistrec.mllm.vision.features import ImageFeatures
from servers.scripted import Asked, Reply, chat

SHOWN = 3  # log-probabilities given where none are named


def plain(backbone: Backbone) -> Backbone:
    """The same weights with a tokenizer that, as most do, puts no space before a text."""
    processor = copy.deepcopy(backbone.processor)
    inner = processor.tokenizer.backend_tokenizer
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return make_backbone(copy.deepcopy(backbone.model), processor)


@torch.no_grad()
def looked_at(backbone: Backbone, images: list[bytes]) -> ImageFeatures:
    """Features of encoded images, numbered from 0."""
    if not images:
        return ImageFeatures.none(0)
    decoded = [Image.open(BytesIO(data)).convert("RGB") for data in images]
    prepared = backbone.family.prepare(decoded)
    grids = [one.grid for one in prepared]
    seen = backbone.family.look(prepared)
    return ImageFeatures.held(len(images), dict(enumerate(zip(grids, seen, strict=True))))


@torch.no_grad()
def states(backbone: Backbone, question: Tokens, features: ImageFeatures) -> torch.Tensor:
    """The state [1, d] where the answer to a question begins."""
    packed = pack_prompts([question], backbone.layout)
    return backbone.hidden(packed, features.of(packed.images, backbone.device))[:, -1]


@torch.no_grad()
def score(backbone: Backbone, question: Question, images: list[bytes]) -> float:
    """Yes minus no of one question, computed here."""
    features = looked_at(backbone, images)
    tokens = backbone.question(question.segments, features.grid)
    return float(yes_minus_no(backbone, states(backbone, tokens, features)))


class TinyVllm:
    """Answers chat completions as vLLM does.

    `off_by` is added to the log-probability of every yes, as a server of another model would.
    """

    def __init__(self, backbone: Backbone, off_by: float = 0.0) -> None:
        self.backbone, self.off_by = backbone, off_by

    def __call__(self, asked: Asked) -> Reply:
        images = [base64.b64decode(url.partition(",")[2]) for url in asked.images]
        features = looked_at(self.backbone, images)
        segments: list[Segment] = []
        shown = 0
        for part in asked.body["messages"][0]["content"]:
            if part["type"] == "text":
                segments.append(part["text"])
            else:
                segments.append(ItemImage(shown))
                shown += 1
        question = self.backbone.question(segments, features.grid)
        most = asked.body["max_completion_tokens"]
        ((_, words),) = generate(self.backbone, [question], features, most)
        reply = chat(words, prompt_tokens=len(question.ids))
        if asked.body.get("logprobs"):
            reply.body["choices"][0]["logprobs"] = self.logprobs(  # type: ignore[index]
                asked.body, states(self.backbone, question, features)
            )
        return reply

    @torch.no_grad()
    def logprobs(self, body: dict[str, Any], state: torch.Tensor) -> dict[str, Any]:
        shares = self.backbone.logits(state).log_softmax(-1)[0]
        for token in self.backbone.yes_ids:
            shares[token] += self.off_by
        chosen = int(shares.argmax())
        ids = [chosen, *(body.get("logprob_token_ids") or shares.topk(SHOWN).indices.tolist())]
        entries = []
        for token in dict.fromkeys(ids):
            name = f"token_id:{token}"
            if not body.get("return_tokens_as_token_ids"):
                name = self.backbone.processor.tokenizer.decode([token])
            entries.append({"token": name, "logprob": float(shares[token]), "bytes": None})
        return {"content": [{**entries[0], "top_logprobs": entries}]}
