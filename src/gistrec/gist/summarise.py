"""Every item to a gist: keywords of its image and of its text, asked for apart (MMSRARec 3.3).

Departures from the paper:
1. An item without image or without text gives only the keywords of what it has.
2. Keywords of the two modalities stay apart in the table, so that either can be withheld.
3. An answer that is no list of keywords is asked for once more, then given up.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import polars as pl

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.mllm import prompts
from gistrec.mllm.answers import keywords
from gistrec.mllm.engines.engine import Answer, Engine, Question
from gistrec.mllm.engines.journal import Journal
from gistrec.mllm.shortening import text_segments
from gistrec.progress import track

_ABOUT = ("image", "text")
_AT_ONCE = 2048  # questions handed to the engine together; it sorts them by length
_SCHEMA = pl.Schema(
    {
        schema.ITEM_ID: pl.String(),
        schema.IMAGE_KEYWORDS: pl.List(pl.String),
        schema.TEXT_KEYWORDS: pl.List(pl.String),
        schema.IMAGE_VALID: pl.Boolean(),
        schema.TEXT_VALID: pl.Boolean(),
    }
)


@dataclass(frozen=True)
class Catalogue:
    """What there is to be summarised: n_items ids, titles and texts, and which have an image."""

    item_ids: pl.Series
    titles: Sequence[str]
    texts: Sequence[str]
    pictured: Callable[[int], bool]


@dataclass(frozen=True)
class Summary:
    """What came of it.

    Attributes:
        gists: item_id, image_keywords, text_keywords (lists of words), image_valid, text_valid, in
            catalogue order. Valid is null, and the list empty, where an item has nothing of that
            kind to ask about; it is false, and the list empty, where no answer was a list.
        asked_again: how many questions were asked a second time.
    """

    gists: pl.DataFrame
    asked_again: int


@dataclass(frozen=True)
class _Ask:
    """One question about one item."""

    about: Literal["image", "text"]
    code: int
    again: bool = False

    def __str__(self) -> str:
        return f"{self.about} {self.code}{' again' if self.again else ''}"


def summarise(engine: Engine, catalogue: Catalogue, config: GistConfig, journal: Path) -> Summary:
    """Ask for the gist of every item.

    Args:
        engine: who is asked.
        catalogue: the items.
        config: how many keywords, how long an answer.
        journal: where every answer is kept as it comes; those that stand there are not asked for
            again.

    Raises:
        EngineError: a server does not answer, or cannot.
    """
    most = {"image": config.image_keywords, "text": config.text_keywords}
    asks = [_Ask("image", code) for code in _pictured(catalogue) if most["image"]]
    asks += [_Ask("text", code) for code in _written(catalogue) if most["text"]]

    def asked(ask: _Ask) -> Question:
        if ask.about == "image":
            segments = prompts.image_keywords(ask.code)
        else:
            title, text = catalogue.titles[ask.code], catalogue.texts[ask.code]
            segments = text_segments(engine.count, title, text, config.max_text_tokens)
        if ask.again:
            segments = prompts.insisted(segments, most[ask.about])
        return Question(tuple(segments))

    found: dict[str, tuple[str, ...] | None] = {}
    with Journal.open(journal, Answer.read) as answers:

        def ask_for(wanted: Sequence[_Ask], what: str) -> None:
            missing = [ask for ask in wanted if str(ask) not in answers]
            for _ in track(_answered(engine, missing, asked, answers, config), what, len(missing)):
                pass
            for ask in wanted:
                answer = answers[str(ask)]
                found[str(ask)] = keywords(answer.text, most[ask.about], answer.cut)

        ask_for(asks, "gists")
        again = [_Ask(ask.about, ask.code, again=True) for ask in asks if found[str(ask)] is None]
        ask_for(again, "gists, asked again")
    return Summary(_table(catalogue, asks, found), len(again))


def _answered(
    engine: Engine,
    asks: Iterable[_Ask],
    asked: Callable[[_Ask], Question],
    journal: Journal[Answer],
    config: GistConfig,
) -> Iterator[None]:
    """Put every answer into the journal, and yield as often."""
    waiting = iter(asks)
    while together := list(islice(waiting, _AT_ONCE)):
        questions = [asked(ask) for ask in together]
        for number, answer in engine.answer(questions, config.max_new_tokens):
            journal.add(str(together[number]), answer)
            yield


def _pictured(catalogue: Catalogue) -> list[int]:
    return [code for code in range(len(catalogue.item_ids)) if catalogue.pictured(code)]


def _written(catalogue: Catalogue) -> list[int]:
    pairs = enumerate(zip(catalogue.titles, catalogue.texts, strict=True))
    return [code for code, (title, text) in pairs if title or text]


def _table(
    catalogue: Catalogue, asks: Sequence[_Ask], found: dict[str, tuple[str, ...] | None]
) -> pl.DataFrame:
    count = len(catalogue.item_ids)
    lists: dict[str, list[list[str]]] = {name: [[] for _ in range(count)] for name in _ABOUT}
    valid: dict[str, list[bool | None]] = {name: [None] * count for name in _ABOUT}
    for ask in asks:
        told = found[str(ask)]
        if told is None:
            told = found[str(_Ask(ask.about, ask.code, again=True))]
        lists[ask.about][ask.code] = list(told or ())
        valid[ask.about][ask.code] = told is not None
    return pl.DataFrame(
        [catalogue.item_ids.to_list(), *lists.values(), *valid.values()], schema=_SCHEMA
    )
