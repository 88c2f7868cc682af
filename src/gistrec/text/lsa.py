"""Latent semantic analysis: TF-IDF of words, reduced by a truncated singular value decomposition.

It knows only words of the texts that it was fitted on; a text of other words alone gives zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from gistrec.text.encoder import Vectors, has_words, of_length_one

if TYPE_CHECKING:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

_DIMENSIONS = 256
_WORD = r"(?u)[^\W_]+"  # letters and digits of any script, also a single one


@dataclass(frozen=True, eq=False)
class LsaEncoder:
    """Fitted on texts.

    Attributes:
        words: None where there were none.
        reduction: None where there are no more words than dimensions.
    """

    words: "TfidfVectorizer | None"
    reduction: "TruncatedSVD | None"

    @property
    def name(self) -> str:
        """How people know it."""
        return "lsa"

    @classmethod
    def fitted(cls, texts: Sequence[str]) -> Self:
        """Learn the words of ``texts`` and which go together; the same texts give the same."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        told = [text for text in texts if has_words(text)]
        if not told:
            return cls(None, None)
        words = TfidfVectorizer(token_pattern=_WORD, sublinear_tf=True, dtype=np.float32)
        table = words.fit_transform(told)
        if table.shape[1] <= _DIMENSIONS:
            return cls(words, None)
        reduction = TruncatedSVD(min(_DIMENSIONS, table.shape[0]), random_state=0)
        return cls(words, reduction.fit(table))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Float32 [n, d], rows of length one; zeros for a text without a word that it knows."""
        if self.words is None or not texts:
            return np.zeros((len(texts), 1), dtype=np.float32)
        table = self.words.transform(texts)
        found = table.toarray() if self.reduction is None else self.reduction.transform(table)
        return of_length_one(np.asarray(found, dtype=np.float32))
