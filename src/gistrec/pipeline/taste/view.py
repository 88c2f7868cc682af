"""What a finished run's tastes are like: one user's over time, or all of them in a few numbers."""

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from gistrec import schema
from gistrec.counted import counted
from gistrec.pipeline.manifest import Facts, read_manifest
from gistrec.pipeline.taste.quality import read_quality
from gistrec.pipeline.taste.stage import TASTE, LiveTastes, read_tastes
from gistrec.pipeline.taste.steps import (
    TasteStep,
    latest_steps,
    tastes_over_time,
    users_with_tastes,
)
from gistrec.pipeline.users import RunUsers
from gistrec.taste.quality import TasteQuality

_STREAM = 5301  # keeps this draw apart from every other use of the same seed
_WHAT = {  # the stage's facts, as a person reads them
    "moments": "moments told of",
    "steps": "blocks of the longest history",
    "asked": "questions asked for them",
    "taken_over": "answers taken over from an earlier table",
    "asked_again": "questions asked a second time",
    "kept": "questions given up, the taste before stayed",
    "calls_a_moment": "questions behind a moment",
    "asking_seconds": "seconds of asking",
}


class UserTaste(BaseModel):
    """A user's taste over time, to all that the dataset knows of it."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    steps: tuple[TasteStep, ...]

    def table(self) -> Table:
        """For a person to read: the latest steps."""
        known = self.steps[-1].after if self.steps else 0
        shown, earlier = latest_steps(self.steps)
        table = Table(
            title=escape(f"Taste of {self.user_id}"),
            caption="; ".join(filter(None, [f"after {counted(known, 'interaction')}", earlier])),
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("after", justify="right")
        for column in ("items since", "taste", "new", "dropped"):
            table.add_column(column)
        for step in shown:
            cells = (
                str(step.after),
                "; ".join(item.title for item in step.items),
                step.told(),
                " ".join(step.new) or "none",
                " ".join(step.dropped) or "none",
            )
            table.add_row(*map(escape, cells))
        return table


class TasteView(BaseModel):
    """All tastes of a run: what telling them took, their quality, and those of some users.

    Attributes:
        facts: of the stage's manifest.
    """

    model_config = ConfigDict(frozen=True)

    facts: Facts
    quality: TasteQuality
    users: tuple[UserTaste, ...]

    def tables(self) -> list[Table]:
        """For a person to read: the numbers, then the users."""
        numbers = Table(title="Tastes of the run", title_justify="left")
        numbers.add_column("what")
        numbers.add_column("value", justify="right")
        told = [(name, self.facts[key]) for key, name in _WHAT.items() if key in self.facts]
        for name, value in told:
            numbers.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
        for line in self.quality.told():
            numbers.add_row(*map(escape, line))
        return [numbers, *(user.table() for user in self.users)]


def user_taste(run: Path, user: str) -> UserTaste:
    """The taste over time of one user of a finished run.

    Raises:
        RunError: the run tells no tastes, is unfinished or to be run again, or its dataset does
            not know the user.
    """
    opened, tastes = users_with_tastes(run)
    return _told(opened, tastes, [user])[0]


def taste_view(run: Path, users: int = 3) -> TasteView:
    """The figures of a finished run's tastes, and those over time of some users, drawn by seed.

    Args:
        run: its folder.
        users: how many, at most, of those whom the run was asked about.

    Raises:
        RunError: the run tells no tastes, or is unfinished or to be run again.
    """
    opened, tastes = users_with_tastes(run)
    known = read_tastes(run / TASTE).asked[schema.USER_ID].unique(maintain_order=True)
    rng = np.random.default_rng([opened.work.config.taste.seed, _STREAM])
    drawn = sorted(rng.permutation(len(known))[:users].tolist())
    return TasteView(
        facts=read_manifest(run / TASTE).facts,
        quality=read_quality(run / TASTE),
        users=tuple(_told(opened, tastes, known.gather(drawn).to_list())),
    )


def _told(opened: RunUsers, tastes: LiveTastes, users: list[str]) -> list[UserTaste]:
    histories = [opened.history_of(user)[0].tolist() for user in users]
    return [
        UserTaste(user_id=user, steps=steps)
        for user, steps in zip(users, tastes_over_time(opened, tastes, histories), strict=True)
    ]
