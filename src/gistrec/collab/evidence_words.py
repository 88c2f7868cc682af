"""Evidence in words, one line a pair of user and candidate."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from gistrec.collab.told import Support, Told
from gistrec.config.evidence import EvidenceKind
from gistrec.data.sequences import LongArray
from gistrec.mllm import prompts


def evidence_lines(told: Told) -> list[list[str]]:
    """Each user's lines, in the order of their candidates; only kinds that are on appear."""
    pairs = int(told.offsets[-1])
    columns = (
        _support_words(told.shared, told.n_items, pairs),
        _support_words(told.similar, told.n_items, pairs),
        _place_words(told.encoder, told.n_items, pairs),
        _place_words(told.popularity, told.n_items, pairs),
    )
    lines = [prompts.evidence_line(*words) for words in zip(*columns, strict=True)]
    return [lines[start:end] for start, end in pairwise(told.offsets.tolist())]


def _support_words(support: Support | None, n_items: int, pairs: int) -> Iterator[str]:
    if support is None:
        return iter([""] * pairs)
    numbers = zip(support.users.tolist(), support.places.tolist(), strict=True)
    return (prompts.support_words(users, place, n_items) for users, place in numbers)


def _place_words(places: LongArray | None, n_items: int, pairs: int) -> Iterator[str]:
    if places is None:
        return iter([""] * pairs)
    return (prompts.place_words(place, n_items) for place in places.tolist())


def longest_line(kinds: Sequence[EvidenceKind], n_items: int, count: Callable[[str], int]) -> str:
    """The line that takes the most of what ``count`` counts, such as tokens."""
    users, places = prompts.COUNT_STEPS, (0, *prompts.PLACE_STEPS, n_items)
    support = {prompts.support_words(many, place, n_items) for many in users for place in places}
    place = {prompts.place_words(place, n_items) for place in places}
    told = {"shared": support, "similar": support, "encoder": place, "popularity": place}
    columns = (max(sorted(told[kind]), key=count) if kind in kinds else "" for kind in told)
    return prompts.evidence_line(*columns)
