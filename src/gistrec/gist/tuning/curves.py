"""The rewards of a tuning over its steps, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gistrec.files import written_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GAPS = (
    "A curve has no point where no answer was a list of keywords, or where the term does not apply:"
    " there is nothing to reward."
)
_TERMS = ("information", "reconstruction", "length", "distinction")


def draw_curves(history: Sequence[Mapping[str, Any]], target: Path) -> None:
    """Draw every reward over the steps, of drawn answers in training and of likeliest held-out.

    Args:
        history: the trainer's log, one mapping a record, each with its `step`.
        target: the PNG to write.
    """
    with written_aside(target) as aside:
        curves(history).savefig(aside, format="png", dpi=100)


def curves(history: Sequence[Mapping[str, Any]]) -> "Figure":
    """What ``draw_curves`` writes."""
    from matplotlib.figure import Figure  # takes a second to import

    figure = Figure(figsize=(12, 6.5), layout="constrained")
    panels = [("reward", ["reward"], ["eval_reward"])]
    panels += [
        (
            name,
            [f"rewards/{name}/mean"],
            [f"eval_rewards/{name}_image", f"eval_rewards/{name}_text"],
        )
        for name in _TERMS
    ]
    panels.append(("tokens an answer", ["completions/mean_length"], []))
    for axes, (title, training, held_out) in zip(figure.subplots(2, 3).flat, panels, strict=True):
        for name in training:
            axes.plot(*_points(history, name), alpha=0.5, label="training, drawn")
        for name in held_out:
            about = name.rpartition("_")[2]
            label = f"held out, {about}" if about != "reward" else "held out"
            axes.plot(*_points(history, name), marker="o", markersize=3, label=label)
        axes.set_title(title)
        axes.set_xlabel("step")
        axes.legend(fontsize="small")
    figure.supxlabel(_GAPS, fontsize="small")
    return figure


def _points(history: Sequence[Mapping[str, Any]], name: str) -> tuple[list[int], list[float]]:
    found = [(int(one["step"]), float(one[name])) for one in history if one.get(name) is not None]
    return [step for step, _ in found], [value for _, value in found]
