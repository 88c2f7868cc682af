"""What prompts may tell of one user, before any question."""

from collections.abc import Sequence
from typing import NamedTuple


class Profile(NamedTuple):
    """One user at one moment.

    Attributes:
        history: item codes, oldest first.
        nearby: codes of what similar users chose next, most similar first.
        taste: in words; empty for none.
    """

    history: Sequence[int]
    nearby: Sequence[int] = ()
    taste: str = ""
