"""How good summaries in sentences are: how long, how often valid, and whose words they hold."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from gistrec import schema
from gistrec.gist.guards import words_of


class SentenceQuality(BaseModel):
    """Quality of summaries; every number is None where there is nothing to measure it on.

    Attributes:
        image_words, text_words, summary_words: on average, of the sentences that there are.
        joined: share of the items with both modalities whose joined answer was a sentence.
        from_image, from_text: share of a summary's words that stand in the sentence on the image,
            and in that on the text; of items with both. Words that stand in both count for both.
    """

    model_config = ConfigDict(frozen=True)

    image_words: float | None
    text_words: float | None
    summary_words: float | None
    joined: float | None
    from_image: float | None
    from_text: float | None

    def told(self) -> list[tuple[str, str]]:
        """Lines for a person: what, and how much."""
        lengths = {
            "image": self.image_words,
            "text": self.text_words,
            "summary": self.summary_words,
        }
        shares = {
            "joined answers that are sentences": self.joined,
            "words of a summary that stand in the image's sentence": self.from_image,
            "words of a summary that stand in the text's sentence": self.from_text,
        }
        lines = [(f"{name}: words a sentence", mean, "{:.2f}") for name, mean in lengths.items()]
        lines += [(name, share, "{:.1%}") for name, share in shares.items()]
        return [(name, form.format(value)) for name, value, form in lines if value is not None]


def sentence_quality(gists: pl.DataFrame) -> SentenceQuality:
    """Measure a finished table of style sentences."""
    both = gists.drop_nulls([schema.IMAGE_SENTENCE, schema.TEXT_SENTENCE, schema.SUMMARY])
    summaries = [words_of(line) for line in both[schema.SUMMARY]]
    return SentenceQuality(
        image_words=_words(gists[schema.IMAGE_SENTENCE]),
        text_words=_words(gists[schema.TEXT_SENTENCE]),
        summary_words=_words(gists[schema.SUMMARY]),
        joined=_mean(gists[schema.SUMMARY_VALID].drop_nulls().to_list()),
        from_image=_mean(_held(summaries, both[schema.IMAGE_SENTENCE])),
        from_text=_mean(_held(summaries, both[schema.TEXT_SENTENCE])),
    )


def _held(summaries: Sequence[Sequence[str]], sentences: pl.Series) -> list[float]:
    """Of each summary with words, the share that stands in the sentence."""
    return [
        float(np.isin(words, words_of(line)).mean())
        for words, line in zip(summaries, sentences, strict=True)
        if words
    ]


def _words(sentences: pl.Series) -> float | None:
    return _mean([len(line.split()) for line in sentences.drop_nulls()])


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
