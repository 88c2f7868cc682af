"""A user's taste over time: after each block of the history and now, from a finished run."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gistrec import schema
from gistrec.counted import counted
from gistrec.errors import RunError
from gistrec.pipeline.run import open_run
from gistrec.pipeline.states import refuse_stale
from gistrec.pipeline.taste.stage import TASTE, LiveTastes, taste_settings
from gistrec.pipeline.users import RunUsers
from gistrec.pipeline.workplace import Workplace
from gistrec.taste.recurrent import advance
from gistrec.text.words import telling_words

_SHOWN = 8  # steps that a person is shown, the latest; a long history has hundreds


class TasteItem(BaseModel):
    """An item of a block by its id, and what it is called."""

    model_config = ConfigDict(frozen=True)

    item_id: str
    title: str


class TasteStep(BaseModel):
    """A user's taste after one more block, and what changed since the one before.

    Attributes:
        after: how many of the user's interactions are known.
        items: those since the step before, oldest first.
        taste: in one line; empty where nothing has been told yet.
        valid: whether an answer told it; where it is false, the taste is the one before.
        new, kept, dropped: words of this taste or of the one before, stop words left out.
    """

    model_config = ConfigDict(frozen=True)

    after: int
    items: tuple[TasteItem, ...]
    taste: str
    valid: bool
    new: tuple[str, ...]
    kept: tuple[str, ...]
    dropped: tuple[str, ...]

    def told(self) -> str:
        """The taste in words, for a person to read."""
        if self.valid:
            return self.taste
        return f"{self.taste} (no answer told one: as before)" if self.taste else "(none told)"


def open_tastes(work: Workplace, words: list[str]) -> LiveTastes | None:
    """The tastes of a finished run; None where prompts tell none.

    Args:
        work: the run.
        words: each item's gist, in catalogue order; its title where it has none.

    Raises:
        RunError: the stage is unfinished or to be made again.
    """
    if work.config.taste.kind == "none":
        return None
    refuse_stale(work.run, TASTE, taste_settings(work.config))
    return LiveTastes(work, words)


def users_with_tastes(run: Path) -> tuple[RunUsers, LiveTastes]:
    """A finished run that tells tastes, open for questions about its users.

    Raises:
        RunError: it tells none, or is unfinished or to be run again.
    """
    work, _ = open_run(run)
    if not work.config.recommends or work.config.taste.kind == "none":
        raise RunError(
            f"{run} tells no tastes (taste.kind=none in {run / schema.CONFIG_FILE}): run a system "
            "that does, as `gistrec run --system mllm-msr`, in another folder"
        )
    users = RunUsers.open(run)
    tastes = open_tastes(users.work, users.words)
    assert tastes is not None  # said above
    return users, tastes


def tastes_over_time(
    users: RunUsers, tastes: LiveTastes, histories: Sequence[Sequence[int]]
) -> list[tuple[TasteStep, ...]]:
    """For each history its taste after every block and after all of it.

    What the stage was told is not asked for again; what came since is.

    Args:
        users: of the run.
        tastes: of the same run.
        histories: item codes, oldest first.

    Raises:
        EngineError: a server does not answer, or cannot.
    """
    with tastes.teller() as teller:
        told = advance(teller, histories, [[len(codes)] for codes in histories], "tastes")
    found = []
    for codes, of_one in zip(histories, told, strict=True):
        steps: list[TasteStep] = []
        for after in sorted(of_one):
            known = steps[-1].after if steps else 0
            now = telling_words(of_one[after].taste)
            was = telling_words(steps[-1].taste) if steps else {}
            steps.append(
                TasteStep(
                    after=after,
                    items=_items(users, codes[known:after]),
                    taste=of_one[after].taste,
                    valid=of_one[after].valid,
                    new=tuple(said for word, said in now.items() if word not in was),
                    kept=tuple(said for word, said in now.items() if word in was),
                    dropped=tuple(said for word, said in was.items() if word not in now),
                )
            )
        found.append(tuple(steps))
    return found


def latest_steps(steps: Sequence[TasteStep]) -> tuple[Sequence[TasteStep], str]:
    """The steps that a person is shown, and in words how many came before; empty if none did."""
    more = len(steps) - _SHOWN
    if more <= 0:
        return steps, ""
    return steps[-_SHOWN:], f"{counted(more, 'earlier step')} not shown: --json has all"


def told_over_time(steps: Sequence[TasteStep]) -> str:
    """The latest tastes below one another, for a person to read."""
    if not steps:
        return "taste: none before the first interaction"
    shown, earlier = latest_steps(steps)
    lines = [f"  ({earlier})"] if earlier else []
    lines += [f"  after {counted(step.after, 'item')}: {step.told()}" for step in shown[:-1]]
    last = shown[-1]
    lines.append(f"  now, after {counted(last.after, 'item')}: {last.told()}")
    return "\n".join(["taste over time:", *lines])


def _items(users: RunUsers, codes: Sequence[int]) -> tuple[TasteItem, ...]:
    ids = users.work.dataset.item_ids
    return tuple(TasteItem(item_id=ids[code], title=users.name(code)) for code in codes)
