"""What HM4SR is told of items beside their ids: vectors of texts and images, and categories."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ItemVectors:
    """Content of a catalogue, by item code.

    Attributes:
        text: float32 [n_items, t], rows of length one; of zeros for an item without words.
        image: float32 [n_items, v], rows of length one; of zeros for an item without an image.
        categories: float32 [n_items, c], 1 for each category of an item; c is 0 where nothing is
            known of any, a row of zeros where nothing is known of one.
        text_encoder: who read the texts; "none" where nobody did.
    """

    text: Floats
    image: Floats
    categories: Floats
    text_encoder: str

    @classmethod
    def none(cls, n_items: int) -> "ItemVectors":
        """Of a catalogue of which only the ids are known."""
        nothing = np.zeros((n_items, 1), dtype=np.float32)
        return cls(nothing, nothing, nothing[:, :0], "none")

    @property
    def has_text(self) -> npt.NDArray[np.bool_]:
        """Bool [n_items]."""
        return _there(self.text)

    @property
    def has_image(self) -> npt.NDArray[np.bool_]:
        """Bool [n_items]."""
        return _there(self.image)

    @property
    def n_categories(self) -> int:
        """How many categories there are."""
        return int(self.categories.shape[1])


def _there(vectors: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(vectors.any(axis=1), dtype=np.bool_)
