"""Whether gists find their own items among all of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.special import digamma

from gistrec.text.encoder import SentenceEncoder

Floats = npt.NDArray[np.float32]
_MOST = 10_000  # items that retrieval is measured on
_CHUNK = 1024  # gists compared with all texts at once
_SAME = 1e-6  # cosines nearer than that are ties
_FAR = 10  # of hit_10


class Retrieval(BaseModel):
    """Whether phi(gist) finds its own item's title and text among those of all items.

    Ties count as the expectation over random order, so that empty gists get chance.

    Attributes:
        among: items with words that are compared; a sample where the catalogue has more.
        hit_1: share of the gists whose own item comes first.
        hit_10: share of those whose own item is among the first ten.
        mrr: mean of one over its place.
    """

    model_config = ConfigDict(frozen=True)

    among: int
    hit_1: float
    hit_10: float
    mrr: float


def retrieval(
    gists: Sequence[str], texts: Sequence[str], encoder: SentenceEncoder
) -> Retrieval | None:
    """Look for each item's text with its gist; None where no item has a text.

    Args:
        gists: n gists, each in one line.
        texts: n titles and texts; items without are left out.
        encoder: phi.
    """
    worded = [code for code, text in enumerate(texts) if text.strip()]
    if len(worded) > _MOST:
        chosen = np.random.default_rng(0).choice(len(worded), _MOST, replace=False)
        worded = [worded[at] for at in np.sort(chosen).tolist()]
    if not worded:
        return None
    asked = encoder.encode([gists[code] for code in worded])
    meant = encoder.encode([texts[code] for code in worded])
    nearer, ties = _places(asked, meant)
    return Retrieval(
        among=len(worded),
        hit_1=float(np.clip((1 - nearer) / (ties + 1), 0, 1).mean()),
        hit_10=float(np.clip((_FAR - nearer) / (ties + 1), 0, 1).mean()),
        # The mean of 1/k over the places that ties may take: a difference of harmonic numbers.
        mrr=float(((digamma(nearer + ties + 2) - digamma(nearer + 1)) / (ties + 1)).mean()),
    )


def _places(asked: Floats, meant: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each of ``asked``: rows of ``meant`` nearer than its own, and others as near."""
    nearer, ties = [], []
    for start in range(0, len(asked), _CHUNK):
        cosines = asked[start : start + _CHUNK] @ meant.T
        rows = np.arange(len(cosines))
        gap = cosines - cosines[rows, rows + start][:, None]
        nearer.append((gap > _SAME).sum(axis=1))
        ties.append((np.abs(gap) <= _SAME).sum(axis=1) - 1)
    return np.concatenate(nearer), np.concatenate(ties)
