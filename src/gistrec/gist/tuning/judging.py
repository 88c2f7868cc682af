"""What a model's likeliest answers to held-out questions are worth, and what shows tricks."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from gistrec.config.gist import GistConfig
from gistrec.gist.guards import copying, repetition, sameness
from gistrec.gist.tuning.questions import ABOUT, About, Asked
from gistrec.gist.tuning.scorer import Gist, Scorer, Scores
from gistrec.mllm.answers import keywords
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Answer
from gistrec.mllm.generation import answer_ids, read_answer
from gistrec.mllm.retell import retold
from gistrec.mllm.training import autocast
from gistrec.mllm.vision.features import ImageFeatures

Floats = npt.NDArray[np.float32]


class Side(BaseModel):
    """Answers about one modality, as means over them.

    Attributes:
        questions: how many were asked.
        valid: share of the answers that are lists of keywords.
        reward, information, reconstruction, length, distinction: see `gist.rewards`; None where
            none applies.
        keywords: of an answer.
        repetition, copying: see `gist.guards`.
        most_frequent, distinct, distinct_keywords: see `gist.guards.Sameness`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    questions: int
    valid: float
    reward: float
    information: float | None
    reconstruction: float | None
    length: float | None
    distinction: float | None
    keywords: float
    repetition: float
    copying: float
    most_frequent: float
    distinct: float
    distinct_keywords: float


class Judgement(BaseModel):
    """What all answers came to.

    Attributes:
        reward: mean over all questions.
        keywords_an_item: of image and text together.
        image, text: each modality by itself; None where nothing is asked about it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reward: float
    keywords_an_item: float
    image: Side | None
    text: Side | None

    def figures(self) -> dict[str, float]:
        """What is worth a curve, by name."""
        found = {"reward": self.reward, "keywords_an_item": self.keywords_an_item}
        for about, side in (("image", self.image), ("text", self.text)):
            if side is None:
                continue
            for name in ("information", "reconstruction", "length", "distinction", "valid"):
                value = getattr(side, name)
                if value is not None:
                    found[f"rewards/{name}_{about}"] = value
        return found


def likeliest_answers(
    backbone: Backbone, asked: Sequence[Asked], features: ImageFeatures, config: GistConfig
) -> list[Answer]:
    """The answer to each question that takes the likeliest token at every step."""
    answers = [Answer("", True)] * len(asked)
    questions = [one.tokens for one in asked]
    with autocast(backbone.device, config.tuning.precision):
        for row, ids in answer_ids(
            backbone, questions, features, config.max_new_tokens, config.batch_size
        ):
            answers[row] = read_answer(backbone, ids)
    return answers


def seen_of_images(
    backbone: Backbone, asked: Sequence[Asked], features: ImageFeatures, config: GistConfig
) -> dict[int, Gist]:
    """What a model says of the images that are asked about, by item code; lists alone."""
    shown = [one for one in asked if one.about == "image"]
    answers = likeliest_answers(backbone, shown, features, config)
    found = {
        one.code: keywords(answer.text, config.image_keywords, answer.cut)
        for one, answer in zip(shown, answers, strict=True)
    }
    return {code: gist for code, gist in found.items() if gist is not None}


def judged(scorer: Scorer, asked: Sequence[Asked], scores: Scores) -> Judgement:
    """What the scores of answers to these questions come to."""
    count = sum(len(gist or ()) for gist in scores.gists)
    items = len({one.code for one in asked})
    sides = {about: _side(scorer, asked, scores, about) for about in ABOUT}
    return Judgement(
        reward=_mean(scores.total) or 0.0,
        keywords_an_item=round(count / items, 4),
        image=sides["image"],
        text=sides["text"],
    )


def _side(scorer: Scorer, asked: Sequence[Asked], scores: Scores, about: About) -> Side | None:
    rows = [row for row, one in enumerate(asked) if one.about == about]
    if not rows:
        return None
    gists: list[Gist] = [scores.gists[row] or () for row in rows]
    codes = [asked[row].code for row in rows]
    words = [retold(scorer.titles[code], scorer.texts[code]) for code in codes]
    same = sameness(gists)
    terms = {name: _mean(values[rows]) for name, values in scores.terms.items()}
    return Side(
        questions=len(rows),
        valid=_share([scores.gists[row] is not None for row in rows]),
        reward=_mean(scores.total[rows]) or 0.0,
        information=terms["information"],
        reconstruction=terms["reconstruction"],
        length=terms["length"],
        distinction=terms["distinction"],
        keywords=_share([len(gist) for gist in gists]),
        repetition=_share(repetition(gists)),
        copying=_share(copying(gists, words)),
        most_frequent=round(same.most_frequent, 4),
        distinct=round(same.distinct, 4),
        distinct_keywords=round(same.distinct_keywords, 4),
    )


def _mean(values: Floats) -> float | None:
    there = values[~np.isnan(values)]
    return round(float(there.mean()), 4) if len(there) else None


def _share(values: Sequence[float] | Floats) -> float:
    return round(float(np.mean(values)), 4)
