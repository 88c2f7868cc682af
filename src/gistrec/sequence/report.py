"""What a training took and reached."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainingReport:
    """What training took and reached.

    Attributes:
        epochs: passes made, those after the best one included.
        best_epoch: the pass whose weights are kept, from 1.
        best_ndcg: NDCG@10 on the validation candidates there; None without validation.
        seconds: wall clock, of all runs that a resumed training took.
        by_epoch: NDCG@10 after each pass; none without validation.
    """

    epochs: int
    best_epoch: int
    best_ndcg: float | None
    seconds: float
    by_epoch: list[float] = field(default_factory=list)
