"""Families by contracts, measured: `cd tests && python -m families.matrix` prints it."""

import os
import sys
import tempfile
from pathlib import Path

import torch

from families import contracts
from families.pair import Pair
from families.registry import TINY
from gistrec.config.backbone import BackboneConfig
from gistrec.mllm.processor import how_made

HEADS = (
    "family",
    "gistrec's processor",
    "the reference's processor",
    "tokens an image",
    *contracts.PROMPTS,
    "long lists",
    "bfloat16",
    "gradients",
    "answers",
)


def row_of(name: str, folder: Path) -> list[str]:
    """One family's measures; those of scores and logits are largest absolute gaps."""
    family = TINY[name]
    family.save(folder)
    pair = Pair.load(family, folder)
    half = Pair.load(family, folder, BackboneConfig(device="cpu", dtype="bfloat16"))
    prompts = contracts.PROMPTS
    sizes = sorted({rows * columns for rows, columns in pair.features.grids.tolist()})
    alike = [ours == theirs for ours, theirs in contracts.answers(pair, list(prompts.values()))]
    whole = prompts["images in both"]
    return [
        f"`{name}`",
        how_made(pair.backbone.processor),
        family.how,
        f"{sizes[0]}-{sizes[-1]}" if len(sizes) > 1 else str(sizes[0]),
        *(f"{contracts.logits_gap(pair, prompt):.0e}" for prompt in prompts.values()),
        f"{contracts.score_gap(pair, whole, chunk_tokens=16):.0e}",
        f"{contracts.score_gap(half, whole):.0e}",
        f"{contracts.gradient_gap(pair, whole):.0e}",
        f"{sum(alike)} of {len(alike)} alike",
    ]


def main() -> None:
    """Print the table in Markdown."""
    torch.set_num_threads(1)
    names = sys.argv[1:] or list(TINY)
    print("| " + " | ".join(HEADS) + " |")
    print("|" + "---|" * len(HEADS))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            print("| " + " | ".join(row_of(name, Path(folder) / name)) + " |", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
