"""Rewards of answers to questions about items, with all that they need besides the answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gistrec.config.gist import GistConfig
from gistrec.gist.rewards import rewards
from gistrec.gist.tuning.frozen import Frozen
from gistrec.gist.tuning.questions import ABOUT, Asked
from gistrec.mllm.answers import keywords
from gistrec.mllm.engines.engine import Answer
from gistrec.mllm.lesson import mean_log_probs
from gistrec.mllm.prompts import listed
from gistrec.mllm.retell import retell_lesson, retold
from gistrec.mllm.training import autocast
from gistrec.text.encoder import SentenceEncoder, Vectors

Floats = npt.NDArray[np.float32]
Gist = tuple[str, ...]
# What a reward is the sum of; `invalid` is what an answer that is no list of keywords loses.
TERMS = ("information", "reconstruction", "length", "distinction", "invalid")
_REMEMBERED = 50_000


@dataclass(frozen=True, eq=False)
class Scores:
    """Rewards of n answers.

    Attributes:
        gists: keywords of each; None where the answer is no list.
        terms: float32 [n] by the name of the term; NaN where it does not apply.
        total: float32 [n], their weighted sum.
    """

    gists: list[Gist | None]
    terms: dict[str, Floats]
    total: Floats


@dataclass(frozen=True, eq=False)
class Scorer:
    """What rewards answers.

    Attributes:
        frozen: foretells an item's words from a gist.
        encoder: phi.
        titles, texts: of the catalogue, by item code.
        seen: what the untuned model says of items' images, by item code, where keywords of an
            image are to be near to that as well; the text is then not foretold from them.
        config: of the gist stage.
    """

    frozen: Frozen
    encoder: SentenceEncoder
    titles: Sequence[str]
    texts: Sequence[str]
    seen: Mapping[int, Gist]
    config: GistConfig

    @property
    def weights(self) -> dict[str, float]:
        """How much each term counts."""
        chosen = self.config.tuning.rewards
        return {
            "information": chosen.information,
            "reconstruction": chosen.reconstruction,
            "length": chosen.length,
            "distinction": chosen.distinction,
            "invalid": 1.0,
        }

    def scores(self, asked: Sequence[Asked], answers: Sequence[Answer]) -> Scores:
        """Rewards of n answers to n questions; equal questions are compared with one another."""
        most = {"image": self.config.image_keywords, "text": self.config.text_keywords}
        gists = [
            keywords(answer.text, most[one.about], answer.cut)
            for one, answer in zip(asked, answers, strict=True)
        ]
        terms = {name: np.full(len(asked), np.nan, dtype=np.float32) for name in TERMS}
        total = np.zeros(len(asked), dtype=np.float32)
        told = self._mean_log_probs(asked, gists)
        for about in ABOUT:
            rows = [row for row, one in enumerate(asked) if one.about == about]
            if not rows:
                continue
            found = rewards(
                [gists[row] for row in rows],
                [asked[row].code for row in rows],
                [self._meaning(asked[row]) for row in rows],
                told[rows],
                most[about],
                self.encoder,
                self.config.tuning.rewards,
            )
            terms["information"][rows] = found.information
            terms["reconstruction"][rows] = found.reconstruction
            terms["length"][rows] = found.length
            terms["distinction"][rows] = found.distinction
            total[rows] = found.total
            terms["invalid"][rows] = np.where(found.valid, 0, found.total)
        return Scores(gists, terms, total)

    def _mean_log_probs(self, asked: Sequence[Asked], gists: Sequence[Gist | None]) -> Floats:
        """Of each item's words after its gist; NaN where there is no gist, or more was seen.

        A text foretold from an image's keywords is foretold best without what only the image shows.
        """
        found = np.full(len(asked), np.nan, dtype=np.float32)
        pairs = enumerate(zip(asked, gists, strict=True))
        rows = [row for row, (one, gist) in pairs if gist and not self._seen(one)]
        with self.frozen.asked() as backbone:
            for part in _batches(rows, self.config.tuning.batch_size):
                lessons = [
                    retell_lesson(
                        backbone,
                        gists[row] or (),
                        self.titles[asked[row].code],
                        self.texts[asked[row].code],
                        self.config.tuning.retold_tokens,
                    )
                    for row in part
                ]
                with autocast(backbone.device, self.config.tuning.precision):
                    said = mean_log_probs(backbone, lessons, None)
                found[part] = said.float().cpu().numpy()
        return found

    def _meaning(self, one: Asked) -> str:
        """What keywords are to be near to."""
        words, seen = retold(self.titles[one.code], self.texts[one.code]), self._seen(one)
        return f"{words}\n{listed(seen)}" if seen else words

    def _seen(self, one: Asked) -> Gist:
        return self.seen.get(one.code, ()) if one.about == "image" else ()


@dataclass(frozen=True, eq=False)
class RememberingEncoder:
    """An encoder that encodes no text twice: few gists and texts come, over and over."""

    encoder: SentenceEncoder
    _known: dict[str, Vectors] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """How people know it."""
        return self.encoder.name

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the encoder itself."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def _batches(rows: Sequence[int], size: int) -> Iterator[list[int]]:
    for at in range(0, len(rows), size):
        yield list(rows[at : at + size])
