"""Keywords of texts by TF-IDF: what the warm start asks a new backbone to name."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

_WORD = r"(?u)\b[^\W\d_][\w'-]+\b"


def text_keywords_by_tfidf(texts: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """The ``count`` most telling words of each text, most telling first; none for an empty text.

    Words found in one text only, or in more than half, tell nothing of taste and are left out
    where the collection is large enough to know.
    """
    many = len(texts) >= 50
    vectorizer = TfidfVectorizer(
        stop_words="english",
        token_pattern=_WORD,
        min_df=3 if many else 1,
        max_df=0.5 if many else 1.0,
        sublinear_tf=True,
    )
    try:
        weights = vectorizer.fit_transform(texts).tocsr()
    except ValueError:  # no text holds a word
        return [()] * len(texts)
    words = vectorizer.get_feature_names_out()
    chosen = []
    for row in range(weights.shape[0]):
        start, end = weights.indptr[row], weights.indptr[row + 1]
        order = np.argsort(-weights.data[start:end], kind="stable")[:count]
        chosen.append(tuple(str(words[weights.indices[start + place]]) for place in order))
    return chosen
