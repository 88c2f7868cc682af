"""Every item to a gist: keywords of each modality, or sentences.

Departures from MMSRARec 3.3, for those of MLLM-MSR see ``in_sentences``:
1. An item without image or without text gives only the keywords of what it has.
2. Keywords of the two modalities stay apart in the table, so that either can be withheld.
3. An answer that is no list of keywords is asked for once more, then given up.
4. What was answered once, by the same model to the same question, is not asked again.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.gist.asking import About, Ask, Catalogue, Said, Style
from gistrec.gist.in_keywords import InKeywords
from gistrec.gist.in_sentences import InSentences
from gistrec.gist.rounds import Rounds
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Engine
from gistrec.mllm.engines.journal import Journal, read_journal
from gistrec.mllm.engines.told import Told, with_shares
from gistrec.mllm.prompts import PROMPT_VERSION

_SCHEMA = pl.Schema(
    {
        schema.ITEM_ID: pl.String(),
        schema.IMAGE_KEYWORDS: pl.List(pl.String),
        schema.TEXT_KEYWORDS: pl.List(pl.String),
        schema.IMAGE_SENTENCE: pl.String(),
        schema.TEXT_SENTENCE: pl.String(),
        schema.SUMMARY: pl.String(),
        schema.IMAGE_VALID: pl.Boolean(),
        schema.TEXT_VALID: pl.Boolean(),
        schema.SUMMARY_VALID: pl.Boolean(),
        schema.MODEL: pl.String(),
        schema.ADAPTER: pl.String(),
        schema.PROMPT_VERSION: pl.String(),
        schema.SECONDS: pl.Float64(),
    }
)
_LISTS = (schema.IMAGE_KEYWORDS, schema.TEXT_KEYWORDS)
_VALID: dict[About, str] = {
    "image": schema.IMAGE_VALID,
    "text": schema.TEXT_VALID,
    "both": schema.SUMMARY_VALID,
}


@dataclass(frozen=True)
class Summary:
    """What came of it.

    Attributes:
        gists: item_id, image_keywords, text_keywords (lists of words), image_sentence,
            text_sentence, summary, image_valid, text_valid, summary_valid, model, adapter,
            prompt_version, seconds, in catalogue order. In style keywords sentences are null, in
            style sentences the lists are empty. Valid is null where an item has nothing of that
            kind to ask about, and false where no answer was what was asked for; either way there
            are no keywords and no sentence. Summary_valid is null where nothing was to be joined;
            where it is false, the summary is the two sentences. Seconds are this item's share of
            the answering, whenever it was.
        asked_again: how many questions had to be asked a second time.
        asked: how many questions the model was asked for this table.
        taken_over: how many answers it gave for an earlier one.
        seconds: that the questions asked took.
    """

    gists: pl.DataFrame
    asked_again: int
    asked: int
    taken_over: int
    seconds: float


def summarise(
    engine: Engine,
    catalogue: Catalogue,
    config: GistConfig,
    journal: Path,
    who: Answering,
    earlier: Path | None = None,
) -> Summary:
    """Ask for the gist of every item.

    Args:
        engine: who is asked.
        catalogue: the items.
        config: the style, how many keywords or words, how long an answer.
        journal: where every answer is kept as it comes; those that stand there are not asked for
            again.
        who: the engine's model.
        earlier: journal of an earlier table, read only; what stands there is taken over.

    Raises:
        EngineError: a server does not answer, or cannot.
    """
    style = _style(catalogue, config, engine)
    known = with_shares(read_journal(earlier, Told.read)) if earlier else {}
    with Journal.open(journal, Told.read) as answers:
        rounds = Rounds(
            engine, style, catalogue, who.identity, config.max_new_tokens, answers, known
        )
        again = rounds.ask(style.first(), "gists")
        if joined := style.then(rounds.said):
            again += rounds.ask(joined, "gists, joined")
    entries = with_shares(read_journal(journal, Told.read))
    costs = {key: told.seconds for key, told in entries.items()}
    used = set(rounds.keys.values())
    seconds = _seconds(len(catalogue.item_ids), rounds.keys, costs)
    return Summary(
        _table(catalogue, style, rounds.said, seconds, who),
        again,
        len(used - known.keys()),
        len(used & known.keys()),
        sum(costs[key] for key in used - known.keys()),
    )


def _style(catalogue: Catalogue, config: GistConfig, engine: Engine) -> Style:
    if config.style == "sentences":
        return InSentences(catalogue, config, engine.count)
    return InKeywords(catalogue, config, engine.count)


def _seconds(count: int, keys: Mapping[Ask, str], costs: Mapping[str, float]) -> list[float]:
    """Each item's share; items with the same question share its cost."""
    sharers = Counter(keys.values())
    seconds = [0.0] * count
    for ask, key in keys.items():
        seconds[ask.code] += costs[key] / sharers[key]
    return seconds


def _table(
    catalogue: Catalogue,
    style: Style,
    said: Mapping[Ask, Said | None],
    seconds: list[float],
    who: Answering,
) -> pl.DataFrame:
    count = len(catalogue.item_ids)
    # What was asked again comes after the first answer, and stands in its place.
    last: dict[tuple[About, int], Said | None] = {
        (ask.about, ask.code): told for ask, told in said.items()
    }
    valid: dict[str, list[bool | None]] = {name: [None] * count for name in _VALID.values()}
    for (about, code), told in last.items():
        valid[_VALID[about]][code] = told is not None
    columns = {
        schema.ITEM_ID: catalogue.item_ids.to_list(),
        **{name: [[]] * count for name in _LISTS},
        **style.columns(last),
        **valid,
        schema.MODEL: [who.model] * count,
        schema.ADAPTER: [who.adapter] * count,
        schema.PROMPT_VERSION: [PROMPT_VERSION] * count,
        schema.SECONDS: seconds,
    }
    return pl.DataFrame({name: columns.get(name, [None] * count) for name in _SCHEMA}, _SCHEMA)
