"""How good a table of tastes is: what tastes say, and, where the truth is known, whether it holds.

Told words are compared with a keyword count: the words that items of the same history are told by,
the later item's weighing more, as many of them as a taste may take.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from pydantic import BaseModel, ConfigDict

from gistrec import schema
from gistrec.text.words import telling_words

_OLDER = 0.9  # weight of an item in the keyword count, by the one after it
Words = tuple[str, ...]


class Held(BaseModel):
    """How what is told fits what is liked, pooled over all moments.

    Attributes:
        precision: share of the attribute words told that are liked at that moment.
        recall: share of the values liked that are told.
        f1: their harmonic mean.
    """

    model_config = ConfigDict(frozen=True)

    precision: float
    recall: float
    f1: float


class TasteQuality(BaseModel):
    """Quality of a table of tastes.

    Attributes:
        tastes: moments with an interaction before.
        words: that say something, of a taste, on average.
        distinct: distinct tastes over tastes.
        valid: share of the tastes whose last question was answered.
        kept: share of a taste's words that the same user's taste a block later still tells; None
            where no user has two blocks.
        true: how the tastes fit what is liked; None where that is not known.
        counted: how the keyword count fits it.
    """

    model_config = ConfigDict(frozen=True)

    tastes: int
    words: float
    distinct: float
    valid: float
    kept: float | None
    true: Held | None
    counted: Held | None

    def told(self) -> list[tuple[str, str]]:
        """Lines for a person: what, and how much."""
        lines = [
            ("tastes", f"{self.tastes:,}"),
            ("words a taste", f"{self.words:.2f}"),
            ("distinct tastes", f"{self.distinct:.1%}"),
            ("answers that are tastes", f"{self.valid:.1%}"),
        ]
        if self.kept is not None:
            lines.append(("words kept a block later", f"{self.kept:.1%}"))
        for name, held in (("", self.true), (", by a keyword count", self.counted)):
            if held is not None:
                lines.append((f"told words that are liked{name}", f"{held.precision:.1%}"))
                lines.append((f"liked values that are told{name}", f"{held.recall:.1%}"))
        return lines


def taste_quality(
    tastes: pl.DataFrame,
    histories: Mapping[str, Sequence[int]],
    items: Sequence[str],
    most: int,
    truth: pl.DataFrame | None = None,
) -> TasteQuality:
    """Measure a finished table.

    Args:
        tastes: user_id, moment, block, taste, taste_valid.
        histories: item codes of each user, oldest first.
        items: the line that each item was told by.
        most: words that a taste may take.
        truth: user_id, moment, and a column of lists an attribute: the values liked then.
    """
    told = tastes.filter(pl.col(schema.MOMENT) > 0).sort(schema.USER_ID, schema.MOMENT)
    texts = told[schema.TASTE].to_list()
    words = [_words(text) for text in texts]
    count = len(told)
    true = counted = None
    if truth is not None and count:
        liked, attributes = _liked(told, truth)
        lines = [_words(line) for line in items]
        counts = [
            keyword_count([lines[code] for code in histories[user][:moment]], most)
            for user, moment in _moments(told)
        ]
        true, counted = held(words, liked, attributes), held(counts, liked, attributes)
    return TasteQuality(
        tastes=count,
        words=sum(map(len, words)) / count if count else 0.0,
        distinct=len(set(texts)) / count if count else 0.0,
        valid=int(told[schema.TASTE_VALID].sum()) / count if count else 0.0,
        kept=kept(told),
        true=true,
        counted=counted,
    )


def held(
    told: Sequence[Words], liked: Sequence[frozenset[str]], attributes: frozenset[str]
) -> Held:
    """How words fit what is liked; words that name no attribute are of no account.

    Args:
        told: words at each of n moments.
        liked: values liked at each.
        attributes: all values that may be liked.
    """
    named = [attributes.intersection(words) for words in told]
    hits = sum(len(words & values) for words, values in zip(named, liked, strict=True))
    precision = _share(hits, sum(map(len, named)))
    recall = _share(hits, sum(map(len, liked)))
    return Held(
        precision=precision, recall=recall, f1=_share(2 * precision * recall, precision + recall)
    )


def kept(tastes: pl.DataFrame) -> float | None:
    """Mean share of a taste's words that stand in the same user's taste one block later.

    Args:
        tastes: user_id, moment, block, taste, by user and moment; of each block the last moment
            counts.
    """
    last = tastes.group_by(schema.USER_ID, schema.BLOCK, maintain_order=True).last()
    by_place = {
        (user, block): _words(taste)
        for user, block, taste in last.select(
            schema.USER_ID, schema.BLOCK, schema.TASTE
        ).iter_rows()
    }
    shares = [
        len(set(words) & set(by_place[user, block + 1])) / len(words)
        for (user, block), words in by_place.items()
        if words and (user, block + 1) in by_place
    ]
    return sum(shares) / len(shares) if shares else None


def keyword_count(history: Sequence[Words], most: int) -> Words:
    """The ``most`` words that weigh most, an item's by 0.9 to the number of items after it.

    Args:
        history: words of each item, oldest first; of equal weight is first what stands first.
        most: words.
    """
    weights: dict[str, float] = defaultdict(float)
    for age, words in enumerate(reversed(history)):
        for word in words:
            weights[word] += _OLDER**age
    return tuple(sorted(weights, key=lambda word: -weights[word])[:most])


def _liked(told: pl.DataFrame, truth: pl.DataFrame) -> tuple[list[frozenset[str]], frozenset[str]]:
    """The values liked at each moment, and all that there are."""
    values: dict[tuple[str, int], frozenset[str]] = {}
    for user, moment, *lists in truth.select(
        schema.USER_ID,
        schema.MOMENT,
        pl.exclude(schema.USER_ID, schema.MOMENT),
    ).iter_rows():
        words = frozenset(word.lower() for some in lists for word in some or ())
        values[user, moment] = words
    nothing: frozenset[str] = frozenset()
    return [values.get(key, nothing) for key in _moments(told)], nothing.union(*values.values())


def _moments(told: pl.DataFrame) -> Iterator[tuple[str, int]]:
    yield from told.select(schema.USER_ID, schema.MOMENT).iter_rows()


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _words(text: str) -> Words:
    return tuple(telling_words(text))
