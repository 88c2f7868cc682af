"""The bazaar's users: what they like, how that drifts, what they buy and when."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gistrec.config.bazaar import BazaarConfig, UtilityWeights
from gistrec.data.bazaar.catalogue import Catalogue
from gistrec.data.bazaar.words import (
    CIRCLE,
    CIRCLES,
    COLOUR,
    KIND,
    MATERIAL,
    PATTERN,
    STYLE,
    VALUES,
)
from gistrec.data.sequences import LongArray
from gistrec.progress import track

_COMMUNITIES, _USERS = 10, 11  # streams of chance
_TINY = np.float32(1e-30)  # no infinite luck
_CELLS = 2_400_000  # users x items that shop together: bounds memory
_LIKED: Final = {KIND: 4, COLOUR: 3, PATTERN: 2, STYLE: 3, MATERIAL: 2}  # values liked at once
_ALONG_COMMUNITY = 0.8  # share of drifts that follow the community's tendency
_OPENING = 1_672_531_200  # seconds since 1970: 1 January 2023
_ARRIVALS = 200 * 86_400  # seconds within which users come for the first time
_PAUSE = 5.0 * 86_400  # mean seconds between two purchases, beside an hour at least

Liked = npt.NDArray[np.bool_]


def columns() -> dict[str, slice]:
    """Where each attribute's values stand among the v columns of a taste."""
    ends = np.cumsum([len(values) for values in VALUES.values()]).tolist()
    starts = [0, *ends[:-1]]
    return {name: slice(a, b) for name, a, b in zip(VALUES, starts, ends, strict=True)}


def value_weights(weights: UtilityWeights) -> npt.NDArray[np.float32]:
    """float32 [v]: what a liked value is worth, by column of a taste."""
    worth = [np.full(len(values), getattr(weights, name)) for name, values in VALUES.items()]
    return np.concatenate(worth).astype(np.float32)


@dataclass(frozen=True)
class Purchases:
    """What u users bought and what they liked when they did.

    Attributes:
        lengths: int64 [u], purchases of each user.
        items: int64 [n], rows of the catalogue; by user, oldest first.
        timestamps: int64 [n], seconds since 1970, strictly increasing within a user.
        liked: bool [n + u, v]: by user, the taste before each purchase and after the last.
    """

    lengths: LongArray
    items: LongArray
    timestamps: LongArray
    liked: Liked


def shop(catalogue: Catalogue, config: BazaarConfig) -> Purchases:
    """Let every user shop."""
    tendency = _tendencies(config)
    together = max(1, _CELLS // config.items)
    starts = range(0, config.users, together)
    parts = [
        _shop_together(
            catalogue,
            config,
            tendency,
            min(together, config.users - start),
            np.random.default_rng([config.seed, _USERS, start]),
        )
        for start in track(starts, "shopping")
    ]
    return Purchases(
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.items for part in parts]),
        np.concatenate([part.timestamps for part in parts]),
        np.concatenate([part.liked for part in parts]),
    )


def _tendencies(config: BazaarConfig) -> npt.NDArray[np.float64]:
    """float64 [communities, v]: log of how readily a community takes to each value."""
    rng = np.random.default_rng([config.seed, _COMMUNITIES])
    n_values = sum(len(values) for values in VALUES.values())
    return config.community_spread * rng.standard_normal((len(CIRCLES), n_values))


def _shop_together(
    catalogue: Catalogue,
    config: BazaarConfig,
    tendency: npt.NDArray[np.float64],
    n_users: int,
    rng: np.random.Generator,
) -> Purchases:
    circles = rng.integers(len(CIRCLES), size=n_users)
    lengths = rng.integers(config.shortest, config.longest + 1, size=n_users)
    leaning = tendency[circles]  # [u, v]
    liked = _first_tastes(circles, leaning, rng)
    fits = catalogue.fits() * value_weights(config.weights)[:, None]
    closed = np.zeros((n_users, len(catalogue)), dtype=np.bool_)  # bought already
    everyone = np.arange(n_users)
    tastes, bought = [liked], []
    for _ in range(config.longest):
        utility = liked.astype(np.float32) @ fits
        utility[rng.random(n_users) < config.impulse] = 0.0  # bought for no reason of taste
        utility += (config.weights.appeal * catalogue.appeal).astype(np.float32)
        waits = rng.standard_exponential(utility.shape, dtype=np.float32)
        utility -= np.log(np.maximum(waits, _TINY))  # Gumbel noise
        utility[closed] = -np.inf
        choice = utility.argmax(axis=1)
        closed[everyone, choice] = True
        liked = _drifted(liked, leaning, config, rng)
        bought.append(choice)
        tastes.append(liked)
    done = np.arange(config.longest) < lengths[:, None]  # [u, longest]
    known = np.arange(config.longest + 1) <= lengths[:, None]
    return Purchases(
        lengths,
        np.stack(bought, axis=1)[done],
        _timestamps(n_users, config.longest, rng)[done],
        np.stack(tastes, axis=1)[known],
    )


def _first_tastes(
    circles: LongArray, leaning: npt.NDArray[np.float64], rng: np.random.Generator
) -> Liked:
    """Bool [u, v]: some values of each attribute, the likelier the more the community leans."""
    liked = np.zeros(leaning.shape, dtype=np.bool_)
    for name, where in columns().items():
        if name == CIRCLE:
            liked[:, where] = circles[:, None] == np.arange(len(CIRCLES))
            continue
        keys = leaning[:, where] + rng.gumbel(size=(len(circles), len(VALUES[name])))
        order = (-keys).argsort(axis=1).argsort(axis=1)
        liked[:, where] = order < _LIKED[name]
    return liked


def _drifted(
    liked: Liked,
    leaning: npt.NDArray[np.float64],
    config: BazaarConfig,
    rng: np.random.Generator,
) -> Liked:
    """The tastes after a purchase: of some users one value gave way to another."""
    after = liked.copy()
    n_users = len(liked)
    for name, where in columns().items():
        if name == CIRCLE:
            continue
        moves = rng.random(n_users) < getattr(config.drift, name)
        along = rng.random(n_users) < _ALONG_COMMUNITY
        before = liked[:, where]
        chance = rng.gumbel(size=(2, *before.shape))
        leaves = np.where(before, chance[0], -np.inf).argmax(axis=1)
        pull = chance[1] + along[:, None] * leaning[:, where]
        comes = np.where(before, -np.inf, pull).argmax(axis=1)
        rows = np.flatnonzero(moves)
        after[rows, where.start + leaves[rows]] = False
        after[rows, where.start + comes[rows]] = True
    return after


def _timestamps(n_users: int, longest: int, rng: np.random.Generator) -> LongArray:
    """int64 [u, longest], seconds, strictly increasing."""
    arrival = rng.integers(_ARRIVALS, size=(n_users, 1))
    pauses = 3600 + rng.exponential(_PAUSE, size=(n_users, longest)).astype(np.int64)
    return np.asarray(_OPENING + arrival + pauses.cumsum(axis=1), dtype=np.int64)
