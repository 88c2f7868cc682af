"""Every item to a gist: keywords of its image and of its text, asked for apart (MMSRARec 3.3).

Departures from the paper:
1. An item without image or without text gives only the keywords of what it has.
2. Keywords of the two modalities stay apart in the table, so that either can be withheld.
3. An answer that is no list of keywords is asked for once more, then given up.
4. What was answered once, by the same model to the same question, is not asked again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.gist.asking import Ask, Asking, Catalogue
from gistrec.mllm.answers import keywords
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.asked import ask_all
from gistrec.mllm.engines.engine import Engine, Question
from gistrec.mllm.engines.journal import Journal, read_journal
from gistrec.mllm.engines.told import Told, with_shares
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.progress import track

_ABOUT = ("image", "text")
_SCHEMA = pl.Schema(
    {
        schema.ITEM_ID: pl.String(),
        schema.IMAGE_KEYWORDS: pl.List(pl.String),
        schema.TEXT_KEYWORDS: pl.List(pl.String),
        schema.IMAGE_VALID: pl.Boolean(),
        schema.TEXT_VALID: pl.Boolean(),
        schema.MODEL: pl.String(),
        schema.ADAPTER: pl.String(),
        schema.PROMPT_VERSION: pl.String(),
        schema.SECONDS: pl.Float64(),
    }
)


@dataclass(frozen=True)
class Summary:
    """What came of it.

    Attributes:
        gists: item_id, image_keywords, text_keywords (lists of words), image_valid, text_valid,
            model, adapter, prompt_version, seconds, in catalogue order. Valid is null, and the list
            empty, where an item has nothing of that kind to ask about; it is false, and the list
            empty, where no answer was a list. Seconds are this item's share of the answering,
            whenever it was.
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
        config: how many keywords, how long an answer.
        journal: where every answer is kept as it comes; those that stand there are not asked for
            again.
        who: the engine's model.
        earlier: journal of an earlier table, read only; what stands there is taken over.

    Raises:
        EngineError: a server does not answer, or cannot.
    """
    asking = Asking(catalogue, config, who, engine.count)
    known = with_shares(read_journal(earlier, Told.read)) if earlier else {}
    keys: dict[Ask, str] = {}
    found: dict[Ask, tuple[str, ...] | None] = {}
    with Journal.open(journal, Told.read) as answers:

        def ask_for(wanted: Sequence[Ask], what: str) -> None:
            questions: dict[str, Question] = {}
            for ask in track(wanted, f"{what}: questions"):
                question = asking.question(ask)
                keys[ask] = asking.key(question)
                if keys[ask] not in answers:
                    questions.setdefault(keys[ask], question)
            for key in [key for key in questions if key in known]:
                answers.add(key, known[key])
                del questions[key]
            told = ask_all(engine, questions, answers, config.max_new_tokens)
            for _ in track(told, what, len(questions)):
                pass
            for ask in wanted:
                answer = answers[keys[ask]]
                found[ask] = keywords(answer.text, asking.most(ask), answer.cut)

        first = asking.first()
        ask_for(first, "gists")
        again = [Ask(ask.about, ask.code, again=True) for ask in first if found[ask] is None]
        ask_for(again, "gists, asked again")
    entries = with_shares(read_journal(journal, Told.read))
    costs = {key: told.seconds for key, told in entries.items()}
    used = set(keys.values())
    table = _table(catalogue, found, _seconds(len(catalogue.item_ids), keys, costs), who)
    return Summary(
        table,
        len(again),
        len(used - known.keys()),
        len(used & known.keys()),
        sum(costs[key] for key in used - known.keys()),
    )


def _seconds(count: int, keys: Mapping[Ask, str], costs: Mapping[str, float]) -> list[float]:
    """Each item's share; items with the same question share its cost."""
    sharers = Counter(keys.values())
    seconds = [0.0] * count
    for ask, key in keys.items():
        seconds[ask.code] += costs[key] / sharers[key]
    return seconds


def _table(
    catalogue: Catalogue,
    found: Mapping[Ask, tuple[str, ...] | None],
    seconds: list[float],
    who: Answering,
) -> pl.DataFrame:
    count = len(catalogue.item_ids)
    lists: dict[str, list[list[str]]] = {name: [[] for _ in range(count)] for name in _ABOUT}
    valid: dict[str, list[bool | None]] = {name: [None] * count for name in _ABOUT}
    for ask, told in found.items():  # what was asked again comes after the first answer
        lists[ask.about][ask.code] = list(told or ())
        valid[ask.about][ask.code] = told is not None
    same = ([who.model] * count, [who.adapter] * count, [PROMPT_VERSION] * count)
    return pl.DataFrame(
        [catalogue.item_ids.to_list(), *lists.values(), *valid.values(), *same, seconds],
        schema=_SCHEMA,
    )
