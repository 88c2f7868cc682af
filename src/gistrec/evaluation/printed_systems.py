"""Whole systems as papers print them, to stand beside one's own.

All ask alike: users split 8:1:1, the next item among twenty uniform negatives. None is measured
here, and what surrounds the question differs from paper to paper; ``NOTES`` says where papers
contradict one another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SETTING = " / "  # between a system and a setting it stands under, in labels of a study
TABLE_4, TABLE_7 = "MMSRARec, Table 4", "MMSRARec, Table 7"
TABLE_3, G_TABLE_2 = "MLLM-MSR, Table 3", "MGRASRec, Table 2"
SOURCES = {
    "MMSRARec": "Wang, Wang & Wang, arXiv 2512.20916 (2025)",
    "MLLM-MSR": "Ye et al., arXiv 2408.09698 (AAAI 2025)",
    "MGRASRec": "Setiadi, Cao & Yao, Multimodal Graph Retrieval-Augmented Sequential "
    "Recommendation via Collaborative Filtering Paths",
}
NOTES = {
    "mllm-msr": "MMSRARec's Table 4 prints other figures of MLLM-MSR than MLLM-MSR's own Table 3: "
    "its AUC of Amazon-Baby and Amazon-Games are those of Amazon-Games and Amazon-Baby there, its "
    "HR@5 of MicroLens is that of Amazon-Games, and its NDCG@5 of MicroLens and Amazon-Baby lies "
    "below the MRR@5 there, which no ranks of one next item can have."
}


@dataclass(frozen=True)
class DatasetSize:
    """How large a dataset is; a paper's after its filtering."""

    users: int
    items: int
    interactions: int


DATASETS = {
    "MicroLens": DatasetSize(25_411, 20_276, 223_263),
    "Amazon-Baby": DatasetSize(41_081, 14_393, 400_876),
    "Amazon-Games": DatasetSize(38_808, 13_379, 352_136),
}


@dataclass(frozen=True)
class PrintedSystem:
    """One line of a paper's table.

    Attributes:
        system: as leaderboards here call it.
        source: paper and table.
        dataset: as the papers name it.
        metrics: shares of 1, by name.
    """

    system: str
    source: str
    dataset: str
    metrics: Mapping[str, float]


def _table(
    source: str, columns: tuple[str, ...], rows: Mapping[str, Mapping[str, tuple[float, ...]]]
) -> tuple[PrintedSystem, ...]:
    """Lines out of percentages by dataset and system."""
    return tuple(
        PrintedSystem(
            system,
            source,
            dataset,
            {name: round(value / 100, 4) for name, value in zip(columns, values, strict=True)},
        )
        for dataset, systems in rows.items()
        for system, values in systems.items()
    )


_EVERY = (
    *_table(
        TABLE_4,
        ("HR@5", "AUC", "NDCG@5"),
        {
            "MicroLens": {
                "sasrec": (66.64, 74.02, 31.20),
                "bert4rec": (54.47, 72.55, 28.99),
                "hm4sr": (76.46, 80.23, 57.86),
                "mllm-msr": (77.42, 83.17, 54.26),
                "mmsrarec": (85.09, 84.36, 66.12),
            },
            "Amazon-Baby": {
                "sasrec": (58.24, 71.06, 27.56),
                "bert4rec": (50.85, 73.45, 25.41),
                "hm4sr": (72.37, 82.15, 53.60),
                "mllm-msr": (73.92, 84.39, 58.57),
                "mmsrarec": (81.50, 85.27, 62.82),
            },
            "Amazon-Games": {
                "sasrec": (62.36, 80.54, 29.66),
                "bert4rec": (55.15, 73.68, 27.25),
                "hm4sr": (75.27, 83.59, 55.81),
                "mllm-msr": (76.39, 85.69, 63.73),
                "mmsrarec": (83.74, 85.81, 63.14),
            },
        },
    ),
    *_table(
        TABLE_3,
        ("AUC", "HR@5", "MRR@5"),
        {
            "MicroLens": {"mllm-msr": (83.17, 78.23, 60.38)},
            "Amazon-Baby": {"mllm-msr": (85.69, 79.58, 63.77)},
            "Amazon-Games": {"mllm-msr": (84.39, 77.42, 63.25)},
        },
    ),
    *_table(
        G_TABLE_2,
        ("AUC", "HR@5", "MRR@5"),
        {
            "MicroLens": {
                "gru4rec": (73.02, 51.92, 26.19),
                "sasrec": (74.49, 57.48, 29.40),
                "mllm-msr": (82.16, 74.00, 48.30),
                "mgrasrec": (89.55, 83.07, 62.65),
            },
            "Amazon-Baby": {
                "gru4rec": (70.20, 49.57, 24.23),
                "sasrec": (77.02, 61.45, 40.76),
                "mllm-msr": (78.10, 62.00, 46.48),
                "mgrasrec": (85.54, 77.40, 56.59),
            },
            "Amazon-Games": {
                "gru4rec": (76.54, 61.82, 32.77),
                "sasrec": (74.15, 46.31, 22.15),
                "mllm-msr": (83.61, 73.73, 53.72),
                "mgrasrec": (91.96, 89.47, 69.94),
            },
        },
    ),
)

# Seconds a recommendation, and how often the model is asked for one (TABLE_7).
SECONDS = {
    "mllm-msr": (("LLaVA-1.5-7B", 6, 7.35),),
    "mmsrarec": (
        ("LLaVA-1.5-7B", 1, 0.54),
        ("InternVL3-8B", 1, 0.82),
        ("Qwen2.5-VL-7B", 1, 0.73),
        ("Qwen2.5-VL-32B", 1, 1.13),
    ),
}


def printed_of(system: str) -> tuple[PrintedSystem, ...]:
    """What papers print of a system, under whatever setting it stands here; nothing of others."""
    return tuple(line for line in _EVERY if line.system == paper_name(system))


def paper_name(system: str) -> str:
    """The system without its setting, its preset's ending and its server."""
    return system.partition(SETTING)[0].partition("@")[0].removesuffix("-paper")


def same_data(name: str) -> str:
    """The printed dataset whose family a dataset's name says it is of; "" where none is."""
    squeezed = "".join(filter(str.isalnum, name.lower()))
    return next(
        (one for one in DATASETS if one.lower().removeprefix("amazon-") in squeezed),
        "",
    )
