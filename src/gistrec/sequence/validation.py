"""How good a model is on the validation queries, to know when to stop."""

import numpy as np

from gistrec.config.sequence_training import SequenceTrainingConfig
from gistrec.data.queries import Queries
from gistrec.data.ranker import Ranker

_SAMPLE_STREAM = 303
_CUTOFF = 10


def validation_sample(valid: Queries, config: SequenceTrainingConfig) -> Queries:
    """At most ``config.validation_queries`` of the queries, by the seed."""
    if len(valid) <= config.validation_queries:
        return valid
    rng = np.random.default_rng([config.seed, _SAMPLE_STREAM])
    return valid.take(np.sort(rng.permutation(len(valid))[: config.validation_queries]))


def validation_ndcg(ranker: Ranker, valid: Queries) -> float:
    """Mean NDCG@10 of the positives among their sampled candidates; a tie costs half a place."""
    scores = ranker.score(valid.histories, valid.candidates)
    positive, others = scores[:, :1], scores[:, 1:]
    rank = 1.0 + (others > positive).sum(axis=1) + 0.5 * (others == positive).sum(axis=1)
    gains = np.where(rank <= _CUTOFF, 1.0 / np.log2(1.0 + rank), 0.0)
    return float(gains.mean())
