"""The telling words of texts: what the warm start asks a new backbone to name."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

_COMMON = 1 / 3
_WORD = r"(?u)\b[^\W\d_][\w'-]+\b"
# From where on a word is no accident: so many standard deviations, and by so much.
_SURELY, _CLEARLY = 5.0, 1.05

Floats = npt.NDArray[np.float64]


def telling_words(
    texts: Sequence[str], count: int, chosen: sparse.csr_array | None = None
) -> list[tuple[str, ...]]:
    """The ``count`` most telling words of each text; none for an empty text.

    By the texts alone those tell most that split the collection best: a word that a share p of the
    texts holds splits them by its binary entropy H(p), so that a genre or a style tells more of
    taste than a name that occurs once. By a log those tell most that bring the choices of one user
    together more surely than chance would (``togetherness``); a text with no such word is told by
    those that split best.

    Words in more than a third of the texts are how such texts are written rather than what they
    say, and are left out where the collection is large enough to know; so are words of fewer than
    three texts.

    Args:
        texts: one an item.
        count: words of a text, at most.
        chosen: [users, len(texts)], 1 where a user chose the item; None where no log is looked at.
    """
    many = len(texts) >= 50
    vectorizer = CountVectorizer(
        stop_words="english",
        token_pattern=_WORD,
        min_df=3 if many else 1,
        max_df=_COMMON if many else 1.0,
        binary=True,
    )
    try:
        held = vectorizer.fit_transform(texts).tocsr()
    except ValueError:  # no text holds a word
        return [()] * len(texts)
    words = vectorizer.get_feature_names_out()
    share = np.asarray(held.sum(axis=0)).ravel() / len(texts)
    entropy = -share * np.log(share) - (1 - share) * np.log1p(-share.clip(max=1 - 1e-9))
    surely = np.zeros(len(words)) if chosen is None else togetherness(held, chosen)
    told = []
    for row in range(held.shape[0]):
        columns = held.indices[held.indptr[row] : held.indptr[row + 1]]
        if surely[columns].any():
            columns = columns[surely[columns] > 0]
        order = columns[np.lexsort((columns, -entropy[columns], -surely[columns]))][:count]
        told.append(tuple(str(words[column]) for column in order))
    return told


def togetherness(held: sparse.csr_array, chosen: sparse.csr_array) -> Floats:
    """How surely each word brings the choices of one user together.

    Of all pairs of items that one user chose, so many hold the word both; drawn from all choices
    alike it would be so many. The difference in standard deviations of the latter, as of a Poisson
    count; 0 where it is below 5, or less than a twentieth more than by chance.

    Args:
        held: [items, words], 1 where the item's text holds the word.
        chosen: [users, items], 1 where the user chose the item.

    Returns:
        float64 [words], 0 or more.
    """
    counts = sparse.csr_array(chosen.astype(np.float64) @ held.astype(np.float64))
    lengths = np.asarray(chosen.sum(axis=1), dtype=np.float64).ravel()
    once = np.asarray(counts.sum(axis=0)).ravel()
    both = (np.asarray(counts.multiply(counts).sum(axis=0)).ravel() - once) / 2
    pairs = float((lengths * (lengths - 1)).sum()) / 2
    chance = pairs * np.square(once / max(1.0, float(lengths.sum())))
    sure = (both - chance) / np.sqrt(np.maximum(chance, 1e-12))
    beyond = (sure >= _SURELY) & (both >= _CLEARLY * chance) & (both > 0)
    found: Floats = np.where(beyond, sure, 0.0)
    return found
