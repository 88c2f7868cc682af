"""Figures of an ablation as its paper prints them, to stand beside one's own.

Source: Wang, Wang & Wang, MMSRARec, arXiv 2512.20916 (2025), Table 6. One positive among twenty
uniform negatives; other data, backbones and splits than anybody's own, so that only the order and
the size of the differences can be held against each other.
"""

from typing import NamedTuple


class Printed(NamedTuple):
    """One row, each a share of 1."""

    hr_at_5: float
    auc: float
    ndcg_at_5: float


def _percent(hr: float, auc: float, ndcg: float) -> Printed:
    return Printed(hr / 100, auc / 100, ndcg / 100)


# By dataset, then by the name of the variant here (config/variants.py).
TABLE_6: dict[str, dict[str, Printed]] = {
    "Amazon-Baby": {
        "full": _percent(81.50, 85.27, 62.82),
        "without-summarisation": _percent(78.91, 83.59, 60.12),
        "without-rlvr": _percent(79.26, 83.82, 60.58),
        "without-similar-users": _percent(75.36, 77.63, 56.92),
        "gru4rec-retrieval": _percent(76.88, 81.25, 59.73),
        "without-fine-tuning": _percent(26.87, 18.62, 19.59),
        "without-multi-task": _percent(76.24, 80.18, 57.52),
    },
    "Amazon-Games": {
        "full": _percent(83.74, 85.81, 63.14),
        "without-summarisation": _percent(80.54, 84.22, 60.88),
        "without-rlvr": _percent(81.00, 84.58, 61.26),
        "without-similar-users": _percent(78.50, 80.26, 59.49),
        "gru4rec-retrieval": _percent(77.21, 83.36, 60.10),
        "without-fine-tuning": _percent(37.74, 42.11, 24.85),
        "without-multi-task": _percent(77.55, 81.33, 58.14),
    },
}
