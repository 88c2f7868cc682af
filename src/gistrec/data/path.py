"""A way through the training log from a history to a candidate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EvidencePath:
    """A training user had the history item and another.

    Attributes:
        history_item: code of an item of the history that was asked about.
        user: id of the training user, never the one who asked.
        chose: code of what they chose: the candidate, or an item alike in content.
        later: whether they chose it after they had the history item, by the log's times.
    """

    history_item: int
    user: str
    chose: int
    later: bool
