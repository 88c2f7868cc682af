"""Figures as papers print them, to stand beside one's own.

One positive among twenty uniform negatives; other data, backbones and splits than anybody's own, so
that only the order and the size of the differences can be held against each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Printed:
    """A table of a paper.

    Attributes:
        source: what it is, for a caption.
        system: the paper's, as the names of its presets begin.
        metrics: the names of the columns.
        rows: by dataset, then by the variant's name here (config/variants.py): each metric's value
            as a share of 1.
    """

    source: str
    system: str
    metrics: tuple[str, ...]
    rows: Mapping[str, Mapping[str, tuple[float, ...]]]


def _percent(*values: float) -> tuple[float, ...]:
    return tuple(round(value / 100, 4) for value in values)


# Wang, Wang & Wang, arXiv 2512.20916 (2025), Table 6.
TABLE_6 = Printed(
    "MMSRARec's Table 6, on other data",
    "mmsrarec",
    ("HR@5", "NDCG@5", "AUC"),
    {
        "Amazon-Baby": {
            "full": _percent(81.50, 62.82, 85.27),
            "without-summarisation": _percent(78.91, 60.12, 83.59),
            "without-rlvr": _percent(79.26, 60.58, 83.82),
            "without-similar-users": _percent(75.36, 56.92, 77.63),
            "gru4rec-retrieval": _percent(76.88, 59.73, 81.25),
            "without-fine-tuning": _percent(26.87, 19.59, 18.62),
            "without-multi-task": _percent(76.24, 57.52, 80.18),
        },
        "Amazon-Games": {
            "full": _percent(83.74, 63.14, 85.81),
            "without-summarisation": _percent(80.54, 60.88, 84.22),
            "without-rlvr": _percent(81.00, 61.26, 84.58),
            "without-similar-users": _percent(78.50, 59.49, 80.26),
            "gru4rec-retrieval": _percent(77.21, 60.10, 83.36),
            "without-fine-tuning": _percent(37.74, 24.85, 42.11),
            "without-multi-task": _percent(77.55, 58.14, 81.33),
        },
    },
)

# Ye et al., arXiv 2408.09698 (AAAI 2025), Table 3: MLLM-MSR, TALLREC, LLaVA without fine-tuning;
# Setiadi, Cao & Yao, MGRASRec, Table 2: the same, and LLaVA fine-tuned on the latest items.
MLLM_MSR_TABLES = Printed(
    "MLLM-MSR's Table 3 and, marked G, MGRASRec's Table 2, on other data",
    "mllm-msr",
    ("HR@5", "MRR@5", "AUC"),
    {
        "MicroLens": {
            "full": _percent(78.23, 60.38, 83.17),
            "text-only": _percent(71.23, 58.22, 81.25),
            "without-fine-tuning": _percent(28.21, 17.33, 52.75),
        },
        "Amazon-Games": {
            "full": _percent(77.42, 63.25, 84.39),
            "text-only": _percent(72.36, 57.38, 81.79),
            "without-fine-tuning": _percent(33.24, 18.73, 53.57),
        },
        "Amazon-Baby": {
            "full": _percent(79.58, 63.77, 85.69),
            "text-only": _percent(74.31, 60.15, 82.16),
            "without-fine-tuning": _percent(34.82, 20.96, 55.86),
        },
        "MicroLens, G": {
            "full": _percent(74.00, 48.30, 82.16),
            "recent-history": _percent(81.07, 58.42, 87.98),
            "text-only": _percent(73.87, 52.22, 85.34),
            "without-fine-tuning": _percent(25.60, 13.89, 51.07),
        },
        "Amazon-Games, G": {
            "full": _percent(73.73, 53.72, 83.61),
            "recent-history": _percent(86.13, 66.62, 90.81),
            "text-only": _percent(86.40, 65.27, 90.33),
            "without-fine-tuning": _percent(30.40, 15.26, 55.07),
        },
        "Amazon-Baby, G": {
            "full": _percent(62.00, 46.48, 78.10),
            "recent-history": _percent(74.40, 53.03, 83.51),
            "text-only": _percent(70.80, 48.86, 82.91),
            "without-fine-tuning": _percent(30.00, 14.99, 52.27),
        },
    },
)


def beside(variants: Iterable[str], system: str) -> Printed | None:
    """The table of ``system``'s paper, where it has one of these variants besides the full system.

    For a system of another name, the table that has the most of them; None where none has any.
    """
    shown = set(variants) - {"full"}

    def held(table: Printed) -> int:
        return len(shown.intersection(*[set().union(*table.rows.values())]))

    tables = (TABLE_6, MLLM_MSR_TABLES)
    own = [table for table in tables if system.startswith(table.system)]
    best = max(own or tables, key=held)
    return best if held(best) else None
