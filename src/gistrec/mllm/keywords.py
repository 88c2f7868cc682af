"""The telling words of texts: what the warm start asks a new backbone to name."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

_COMMON = 1 / 3
_WORD = r"(?u)\b[^\W\d_][\w'-]+\b"


def telling_words(texts: Sequence[str], count: int) -> list[tuple[str, ...]]:
    """The ``count`` words of each text that split the collection best; none for an empty text.

    A word that a share p of the texts holds splits them by its binary entropy H(p): a genre or a
    style tells more of taste than a name that occurs once. Words in more than a third of the texts
    are how such texts are written rather than what they say, and are left out where the collection
    is large enough to know; so are words of fewer than three texts.
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
    chosen = []
    for row in range(held.shape[0]):
        columns = held.indices[held.indptr[row] : held.indptr[row + 1]]
        order = columns[np.lexsort((columns, -entropy[columns]))][:count]
        chosen.append(tuple(str(words[column]) for column in order))
    return chosen
