"""Families by contracts, measured: `cd tests && python -m families.matrix` prints it.

`--device cuda --attention flex` has gistrec compute there and so; the reference stays on the CPU.
"""

import argparse
import os
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


def row_of(name: str, folder: Path, options: BackboneConfig) -> list[str]:
    """One family's measures; those of scores and logits are largest absolute gaps."""
    family = TINY[name]
    family.save(folder)
    pair = Pair.load(family, folder, options)
    half = Pair.load(family, folder, options.model_copy(update={"dtype": "bfloat16"}))
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=list(TINY))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--attention", default="sdpa")
    given = parser.parse_args()
    options = BackboneConfig(device=given.device, attention=given.attention, dtype="float32")
    print("| " + " | ".join(HEADS) + " |")
    print("|" + "---|" * len(HEADS))
    with tempfile.TemporaryDirectory() as folder:
        for name in given.families:
            cells = row_of(name, Path(folder) / name, options)
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
