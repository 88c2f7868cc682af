"""The bazaar's items: what they are, what a shop shows of them, how popular they are."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from gistrec.config.bazaar import BazaarConfig
from gistrec.data.bazaar.drawing import draw
from gistrec.data.bazaar.words import (
    COLOUR,
    FILLERS,
    KIND,
    MAKERS,
    MATERIAL,
    PATTERN,
    SENTENCES,
    STYLE,
    VALUES,
)
from gistrec.data.sequences import LongArray
from gistrec.progress import track
from gistrec.schema import IMAGE, ITEM_ID, TEXT, TITLE

_ATTRIBUTES, _APPEAL, _TITLES, _TEXTS, _IMAGES = range(5)  # streams of chance, one a purpose
APPEAL: Final = "appeal"


@dataclass(frozen=True)
class Catalogue:
    """What n items truly are.

    Attributes:
        codes: by attribute, int64 [n]: positions in ``words.VALUES``.
        appeal: float64 [n], standard normal: what makes an item popular with everybody.
    """

    codes: dict[str, LongArray]
    appeal: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.appeal)

    def values(self, attribute: str) -> list[str]:
        """The attribute of every item, in words."""
        return [VALUES[attribute][code] for code in self.codes[attribute]]

    def fits(self) -> npt.NDArray[np.float32]:
        """float32 [v, n]: 1 where an item has a value; v runs over all attributes' values."""
        eyes = [
            np.eye(len(names), dtype=np.float32)[:, self.codes[a]] for a, names in VALUES.items()
        ]
        return np.concatenate(eyes)


def make_catalogue(config: BazaarConfig) -> Catalogue:
    """Draw every attribute of every item independently, so that none betrays another."""
    rng = np.random.default_rng([config.seed, _ATTRIBUTES])
    codes = {name: rng.integers(len(values), size=config.items) for name, values in VALUES.items()}
    appeal = np.random.default_rng([config.seed, _APPEAL]).standard_normal(config.items)
    return Catalogue(codes, appeal)


def item_ids(n: int) -> list[str]:
    """The ids of ``n`` items."""
    width = len(str(n))
    return [f"i{row + 1:0{width}d}" for row in range(n)]


def true_items(catalogue: Catalogue) -> pl.DataFrame:
    """One row an item: its id, every true attribute, its appeal."""
    truth = {name: catalogue.values(name) for name in VALUES}
    return pl.DataFrame({ITEM_ID: item_ids(len(catalogue)), **truth, APPEAL: catalogue.appeal})


def shop_items(catalogue: Catalogue, config: BazaarConfig) -> pl.DataFrame:
    """One row an item, as a shop shows it: item_id, title, text, image (PNG bytes); some lack."""
    return pl.DataFrame(
        {
            ITEM_ID: item_ids(len(catalogue)),
            TITLE: _titles(catalogue, config),
            TEXT: _texts(catalogue, config),
            IMAGE: _images(catalogue, config),
        },
        schema={ITEM_ID: pl.String, TITLE: pl.String, TEXT: pl.String, IMAGE: pl.Binary},
    )


def _titles(catalogue: Catalogue, config: BazaarConfig) -> list[str]:
    """Maker and kind; from the second of the same name on with a number."""
    rng = np.random.default_rng([config.seed, _TITLES])
    seen: dict[str, int] = {}
    titles = []
    for kind, maker in zip(
        catalogue.values(KIND), rng.integers(len(MAKERS), size=len(catalogue)), strict=True
    ):
        name = f"{MAKERS[maker]} {kind}"
        seen[name] = seen.get(name, 0) + 1
        titles.append(name if seen[name] == 1 else f"{name} No. {seen[name]}")
    return titles


def _texts(catalogue: Catalogue, config: BazaarConfig) -> list[str | None]:
    """A sentence with style and material, often followed by one that says nothing of them."""
    rng = np.random.default_rng([config.seed, _TEXTS])
    n = len(catalogue)
    sentences = rng.integers(len(SENTENCES), size=n)
    fillers = rng.integers(len(FILLERS), size=n)
    absent = rng.random(n) < config.without_text
    texts: list[str | None] = []
    for row, (style, material) in enumerate(
        zip(catalogue.values(STYLE), catalogue.values(MATERIAL), strict=True)
    ):
        sentence = SENTENCES[sentences[row]].format(
            style=style, material=material, Style=style.title(), Material=material.title()
        )
        text = f"{sentence} {FILLERS[fillers[row]]}".rstrip()
        texts.append(None if absent[row] else text)
    return texts


def _images(catalogue: Catalogue, config: BazaarConfig) -> list[bytes | None]:
    """PNG bytes of a drawing of each item."""
    rng = np.random.default_rng([config.seed, _IMAGES])
    absent = rng.random(len(catalogue)) < config.without_image
    looks = zip(*(catalogue.values(name) for name in (KIND, COLOUR, PATTERN)), strict=True)
    images: list[bytes | None] = []
    for row, (kind, colour, pattern) in enumerate(track(looks, "drawing", total=len(catalogue))):
        stream = io.BytesIO()
        draw(kind, colour, pattern, rng, config.image_size).save(stream, "PNG", compress_level=6)
        images.append(None if absent[row] else stream.getvalue())
    return images
