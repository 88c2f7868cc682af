"""The taste of many users at many moments, block by block (MLLM-MSR, recurrent summaries).

Departures from the paper:
1. All users advance together: step k asks about the k-th block of every user who has one, in one
   call of the engine. What is asked of one user is what it would be alone.
2. The taste at a moment within a block rests on the state before the block and the block's items
   up to that moment; the paper tells tastes of whole histories alone.
3. An answer that tells no preference is asked for once more, then the state before stays.
4. What the same model answered once to the same question is not asked again, so that a new event
   costs one question, and a removed one the questions from its block on.
5. A taste is one line of so many words, and what it says again is left out. Items' lines are
   shortened, and where the model reads no more, a question loses its oldest items.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gistrec import schema
from gistrec.config.taste import TasteConfig
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Engine
from gistrec.mllm.engines.journal import read_journal
from gistrec.mllm.engines.told import Told, with_shares
from gistrec.mllm.prompts import PROMPT_VERSION, Nouns
from gistrec.taste.telling import After, Step, Teller, telling

Moment = tuple[str, int]
_SCHEMA = pl.Schema(
    {
        schema.USER_ID: pl.String(),
        schema.MOMENT: pl.Int64(),
        schema.BLOCK: pl.Int64(),
        schema.TASTE: pl.String(),
        schema.TASTE_VALID: pl.Boolean(),
        schema.MODEL: pl.String(),
        schema.ADAPTER: pl.String(),
        schema.PROMPT_VERSION: pl.String(),
        schema.SECONDS: pl.Float64(),
    }
)


@dataclass(frozen=True)
class Tastes:
    """What came of it.

    Attributes:
        table: user_id, moment, block, taste, taste_valid, model, adapter, prompt_version, seconds,
            by user and moment. Block is how many blocks the taste rests on, the last perhaps in
            part; 0, and taste empty and valid null, before the first interaction. Valid is false
            where the last block's question got no answer, and the taste is the one before. Seconds
            are this row's share of the answering, whenever it was.
        asked: how many questions the model was asked for this table.
        taken_over: how many answers it gave for an earlier one.
        asked_again: how many questions had to be asked a second time.
        kept: how many were given up then, so that the state before stayed.
        steps: rounds in which all users advanced.
        seconds: that the questions asked took.
        calls_a_moment: questions that the table rests on, over its moments.
    """

    table: pl.DataFrame
    asked: int
    taken_over: int
    asked_again: int
    kept: int
    steps: int
    seconds: float
    calls_a_moment: float


def tell_tastes(
    engine: Engine,
    items: Sequence[str],
    nouns: Nouns,
    histories: Mapping[str, Sequence[int]],
    moments: Iterable[Moment],
    config: TasteConfig,
    journal: Path,
    who: Answering,
    earlier: Path | None = None,
) -> Tastes:
    """Tell the taste of every user at every moment asked about.

    Args:
        engine: who is asked; it draws as ``telling.sampling_of`` says.
        items: a line for each item of the catalogue.
        nouns: the dataset's words.
        histories: item codes of each user, oldest first; as long as their last moment or longer.
        moments: user, and how many of the interactions are known.
        config: of a kind that tells tastes.
        journal: where every answer is kept as it comes; those that stand there are not asked for
            again.
        who: the engine's model.
        earlier: journal of an earlier table, read only; what stands there is taken over.

    Raises:
        EngineError: a server does not answer, or cannot.
        ValueError: a history ends before a moment of its user.
    """
    asked: dict[str, set[int]] = defaultdict(set)
    for user, moment in moments:
        asked[user].add(moment)
    users = sorted(asked)
    wanted = [sorted(asked[user]) for user in users]
    for user, ends in zip(users, wanted, strict=True):
        if ends[-1] > len(histories[user]):
            raise ValueError(
                f"user {user} has {len(histories[user])} interactions, and a taste after "
                f"{ends[-1]} is asked for"
            )
    with telling(engine, items, nouns, config, journal, who, earlier) as teller:
        found = advance(teller, [histories[user] for user in users], wanted, "tastes")
        block, known = teller.block, teller.known.keys()
    costs = with_shares(read_journal(journal, Told.read))
    seconds = {key: told.seconds for key, told in costs.items()}
    answers = [after for of_user in found for after in of_user.values()]
    used = {key for after in answers for key in after.keys}
    table = _table(users, wanted, found, block, seconds, who)
    told = int((table[schema.MOMENT] > 0).sum())
    return Tastes(
        table,
        asked=len(used - known),
        taken_over=len(used & known),
        asked_again=len({after.keys for after in answers if len(after.keys) > 1}),
        kept=len({after.keys for after in answers if not after.valid}),
        steps=max(table[schema.BLOCK].to_list(), default=0),
        seconds=sum(seconds[key] for key in used - known),
        calls_a_moment=len(used) / told if told else 0.0,
    )


def advance(
    teller: Teller,
    histories: Sequence[Sequence[int]],
    moments: Sequence[Sequence[int]],
    what: str,
) -> list[dict[int, After]]:
    """For each history, its taste at each moment above 0, and each state those rest on.

    Args:
        teller: who tells.
        histories: item codes, oldest first.
        moments: of each history, how many of its items are known.
        what: that is done, for whoever waits.
    """
    block = teller.block
    ends: list[dict[int, set[int]]] = []  # of each history, by block
    for known in moments:
        by_block: dict[int, set[int]] = defaultdict(set)
        for moment in known:
            if moment:
                by_block[(moment - 1) // block].add(moment)
        for whole in range(max(by_block, default=0)):
            by_block[whole].add((whole + 1) * block)
        ends.append(by_block)
    found: list[dict[int, After]] = [{} for _ in histories]
    number, going = 0, [row for row, by_block in enumerate(ends) if by_block]
    steps = max((len(by_block) for by_block in ends), default=0)
    while going:
        start = number * block
        places = [(row, end) for row in going for end in sorted(ends[row][number])]
        asked = [
            Step(
                found[row][start].taste if number else "",
                tuple(int(code) for code in histories[row][start:end]),
            )
            for row, end in places
        ]
        told = teller.after(asked, f"{what}, step {number + 1} of {steps}")
        for (row, end), after in zip(places, told, strict=True):
            found[row][end] = after
        number += 1
        going = [row for row in going if number in ends[row]]
    return found


def tastes_after(teller: Teller, histories: Iterable[Sequence[int]], what: str) -> list[str]:
    """The taste after each whole history, all together; what they begin with alike is told once.

    Args:
        teller: who tells.
        histories: item codes, oldest first; of an empty one the taste is empty.
        what: that is done, for whoever waits.
    """
    known = list(histories)
    found = advance(teller, known, [[len(history)] for history in known], what)
    return [
        of_one[len(history)].taste if len(history) else ""
        for history, of_one in zip(known, found, strict=True)
    ]


def _table(
    users: Sequence[str],
    moments: Sequence[Sequence[int]],
    found: Sequence[Mapping[int, After]],
    block: int,
    seconds: Mapping[str, float],
    who: Answering,
) -> pl.DataFrame:
    sharers: Counter[str] = Counter()
    for known, of_user in zip(moments, found, strict=True):
        for moment in known:
            sharers.update(_keys(of_user, moment, block))
    rows = []
    for user, known, of_user in zip(users, moments, found, strict=True):
        for moment in known:
            after = of_user.get(moment)
            taste, valid = ("", None) if after is None else (after.taste, after.valid)
            cost = sum(seconds[key] / sharers[key] for key in _keys(of_user, moment, block))
            same = (who.model, who.adapter, PROMPT_VERSION)
            rows.append((user, moment, -(-moment // block), taste, valid, *same, cost))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _keys(of_user: Mapping[int, After], moment: int, block: int) -> list[str]:
    """The questions that the taste at a moment rests on."""
    ends = [*range(block, moment, block), *([moment] if moment else [])]
    return [key for end in ends for key in of_user[end].keys]
