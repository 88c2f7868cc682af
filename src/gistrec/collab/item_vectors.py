"""What items are compared by in content: the words of their gists, or a sentence encoder's view."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

# float32 [n_items, d], rows of length one; an item without words has a row of zeros.
ItemVectors: TypeAlias = npt.NDArray[np.float32] | csr_matrix


def tfidf_vectors(words: Sequence[str]) -> ItemVectors:
    """TF-IDF of each item's words, in catalogue order."""
    try:
        return csr_matrix(
            TfidfVectorizer(token_pattern=r"\S+", dtype=np.float32).fit_transform(words)
        )
    except ValueError:  # no item has a word
        return np.zeros((len(words), 1), dtype=np.float32)
