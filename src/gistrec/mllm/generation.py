"""Answers in words: a decoding loop of our own over cached keys and values.

The library's own would run every image's tower again for every question about it, or, given
embeddings alone, lose positions in height and width and the features of later layers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from gistrec.files import fingerprint_of
from gistrec.mllm.backbone import Backbone, Past
from gistrec.mllm.engines.engine import Answer, Sampling
from gistrec.mllm.packing import NO_PICTURE, Marks, Packed, Tokens, pack_prompts
from gistrec.mllm.vision.features import ImageFeatures

_BRANCH = 1  # the branch that ``pack_prompts`` lays a whole prompt in


def batches_by_length(questions: Sequence[Tokens], size: int) -> list[list[int]]:
    """Rows of ``questions`` in batches of like length, longest first."""
    order = sorted(range(len(questions)), key=lambda row: -len(questions[row].ids))
    return [order[start : start + size] for start in range(0, len(order), size)]


def generate(
    backbone: Backbone,
    questions: Sequence[Tokens],
    features: ImageFeatures,
    max_new_tokens: int,
    batch_size: int = 128,
    sampling: Sampling | None = None,
) -> Iterator[tuple[int, str]]:
    """Yield (row, answer) for every question, batch by batch, without special tokens.

    Args:
        backbone: who is asked.
        questions: whole prompts, up to where the answer begins.
        features: of the images in them.
        max_new_tokens: where an answer is cut.
        batch_size: questions answered at once.
        sampling: how to draw an answer; None takes the likeliest token at every step.
    """
    for row, ids in answer_ids(backbone, questions, features, max_new_tokens, batch_size, sampling):
        yield row, read_answer(backbone, ids).text


def read_answer(backbone: Backbone, ids: Sequence[int]) -> Answer:
    """What answered ids say, without special tokens; of half a character at a cut, nothing."""
    text = str(backbone.processor.tokenizer.decode(ids, skip_special_tokens=True))
    cut = ids[-1] not in backbone.end_ids
    return Answer.of(text, cut)


@torch.no_grad()
def answer_ids(
    backbone: Backbone,
    questions: Sequence[Tokens],
    features: ImageFeatures,
    max_new_tokens: int,
    batch_size: int = 128,
    sampling: Sampling | None = None,
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """As ``generate``, in token ids; the last is an end token unless the limit cut the answer."""
    draws = None if sampling is None else _draws(questions, sampling.seed, max_new_tokens)
    for rows in batches_by_length(questions, batch_size):
        asked = [questions[row] for row in rows]
        packed = pack_prompts(asked, backbone.layout).to(backbone.device)
        batch = _Batch.begin(backbone, packed, asked, features)
        answers: list[list[int]] = [[] for _ in rows]
        for step in range(max_new_tokens):
            if sampling is None or draws is None:
                chosen = batch.logits.argmax(-1)
            else:
                drawn = np.array([draws[rows[place]][step] for place in batch.places])
                open_to = spoken(backbone, batch.logits)
                chosen = _drawn(open_to, sampling.temperature, drawn)
            tokens = chosen.tolist()
            for place, token in zip(batch.places, tokens, strict=True):
                answers[place].append(token)
            going = [n for n, token in enumerate(tokens) if token not in backbone.end_ids]
            if not going or step + 1 == max_new_tokens:
                break
            batch = batch.followed(backbone, chosen, going)
        for row, ids in zip(rows, answers, strict=True):
            yield row, tuple(ids)


def spoken(backbone: Backbone, logits: torch.Tensor) -> torch.Tensor:
    """Logits [n, v] under which no image's token is drawn: there would be no image for it."""
    image = torch.tensor([backbone.family.image_token_id], device=logits.device)
    return logits.index_fill(1, image, torch.finfo(logits.dtype).min)


@dataclass(frozen=True, eq=False)
class _Batch:
    """Questions that are still being answered.

    Attributes:
        places: which of the batch's questions they are.
        next_order, next_position: of the token to come, int64 [n] each.
        past: what has been run of them.
        logits: of the token to come, float32 [n, vocabulary].
    """

    places: tuple[int, ...]
    next_order: torch.Tensor
    next_position: torch.Tensor
    past: Past
    logits: torch.Tensor

    @classmethod
    def begin(
        cls, backbone: Backbone, packed: Packed, asked: Sequence[Tokens], features: ImageFeatures
    ) -> "_Batch":
        """Run the questions themselves."""
        hidden, past = backbone.begin(packed, features.of(packed.images, backbone.device))
        positions = [backbone.layout.positions(tokens)[1] for tokens in asked]
        device = packed.ids.device
        return cls(
            tuple(range(len(asked))),
            torch.tensor([len(tokens.ids) for tokens in asked], device=device),
            torch.tensor(positions, device=device),
            past,
            backbone.logits(hidden[:, -1]),
        )

    def followed(self, backbone: Backbone, chosen: torch.Tensor, going: list[int]) -> "_Batch":
        """Go on with the answers ``going``, each by its ``chosen`` token."""
        kept = self
        if len(going) < len(self.places):
            kept, chosen = self._only(going), chosen[going]
        order = kept.next_order[:, None]
        marks = Marks(torch.full_like(order, _BRANCH), order, torch.full_like(order, NO_PICTURE))
        positions = kept.next_position[None, :, None].expand(backbone.layout.axes, -1, 1)
        nothing = torch.empty((0, 2), dtype=torch.long, device=order.device)
        step = Packed(chosen[:, None], positions, marks, (), nothing)
        hidden = backbone.hidden(step, None, kept.past)
        return _Batch(
            kept.places,
            kept.next_order + 1,
            kept.next_position + 1,
            Past(kept.past.cache, kept.past.marks.followed_by(marks)),
            backbone.logits(hidden[:, -1]),
        )

    def _only(self, going: list[int]) -> "_Batch":
        """Without the answers that have ended."""
        rows = torch.tensor(going, device=self.next_order.device)
        self.past.cache.batch_select_indices(rows)
        return _Batch(
            tuple(self.places[number] for number in going),
            self.next_order[rows],
            self.next_position[rows],
            Past(self.past.cache, self.past.marks[rows]),
            self.logits[rows],
        )


def _draws(questions: Sequence[Tokens], seed: int, count: int) -> list[npt.NDArray[np.float64]]:
    """For each question ``count`` numbers in [0, 1) that depend on what it says, not where."""
    asked_before: dict[Tokens, int] = {}
    draws = []
    for tokens in questions:
        times = asked_before[tokens] = asked_before.get(tokens, 0) + 1
        key = fingerprint_of([list(tokens.ids), list(tokens.codes)])
        draws.append(np.random.default_rng([seed, int(key, 16), times]).random(count))
    return draws


def _drawn(
    logits: torch.Tensor, temperature: float, draws: npt.NDArray[np.float64]
) -> torch.Tensor:
    """One token for each row, int64 [n]: where the cumulated probability passes the draw."""
    shares = torch.softmax(logits / temperature, dim=-1).cumsum(-1)
    points = torch.from_numpy(draws.astype(np.float32)).to(shares)[:, None] * shares[:, -1:]
    found = torch.searchsorted(shares, points, right=True)[:, 0]
    return found.clamp(max=logits.shape[-1] - 1)
