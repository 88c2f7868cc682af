"""A catalogue of four kinds of goods, ten of each, and users who may stick to one kind."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
import torch

from gistrec.config.recommender import RecommenderConfig
from gistrec.data.sequences import Sequences
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row
from gistrec.mllm.prompts import Nouns
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.profile import Profile
from gistrec.recommender.prompter import Prompter

KINDS = ("red", "blue", "sofa", "lamp")
OF_A_KIND = 10
N_ITEMS = len(KINDS) * OF_A_KIND
NOUNS = Nouns("item", "chose")
NO_IMAGES = ImageFeatures.none(N_ITEMS)
GISTS = [KINDS[code // OF_A_KIND] for code in range(N_ITEMS)]


def sequences(rows: Sequence[Sequence[int]]) -> Sequences:
    """One user a row: u0, u1, ..."""
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    items = np.array([item for row in rows for item in row], dtype=np.int32)
    users = pl.Series([f"u{index}" for index in range(len(rows))], dtype=pl.String)
    return Sequences(users, offsets, items, np.arange(len(items), dtype=np.int64))


def faithful(users: int, seed: int) -> Sequences:
    """Users who choose five items of one kind."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(len(KINDS), size=users)
    return sequences([(OF_A_KIND * kind + rng.permutation(OF_A_KIND)[:5]) for kind in kinds])


def fickle(users: int, seed: int) -> Sequences:
    """Users who choose five items of any kind: nothing can be learned."""
    rng = np.random.default_rng(seed)
    return sequences([rng.permutation(N_ITEMS)[:5] for _ in range(users)])


def pictured() -> ImageFeatures:
    """Features of images that look alike within a kind, and nowhere else."""
    noise = torch.Generator().manual_seed(3)
    kinds = torch.randn(len(KINDS), 4, 32, generator=noise).repeat_interleave(OF_A_KIND, dim=0)
    table = kinds + 0.1 * torch.randn(N_ITEMS, 4, 32, generator=noise)
    return ImageFeatures.held(N_ITEMS, {c: ((2, 2), table[c][None]) for c in range(N_ITEMS)})


class Asked(NamedTuple):
    """One row that was put together, and of what."""

    history: tuple[int, ...]
    candidates: Sequence[int]
    told: Sequence[str] | None
    row: Row


def noted_rows(patched: pytest.MonkeyPatch) -> list[Asked]:
    """Every row that any prompter makes from here on, as long as the patch lasts."""
    asked: list[Asked] = []
    real = Prompter.row

    def noted(
        self: Prompter,
        profile: Profile,
        candidates: Sequence[int],
        told: Sequence[str] | None = None,
    ) -> Row:
        row = real(self, profile, candidates, told)
        asked.append(Asked(tuple(profile.history), candidates, told, row))
        return row

    patched.setattr(Prompter, "row", noted)
    return asked


def prompter(
    backbone: Backbone,
    config: RecommenderConfig,
    features: ImageFeatures = NO_IMAGES,
    longest_taste: int = 0,
) -> Prompter:
    """Asks about the catalogue, titles "item 0", "item 1", ..."""
    titles = [f"item {code}" for code in range(N_ITEMS)]
    return Prompter(backbone, NOUNS, titles, GISTS, features, config, longest_taste=longest_taste)
