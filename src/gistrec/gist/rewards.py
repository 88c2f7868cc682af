"""Verifiable rewards of a gist, by which it is tuned (MMSRARec 3.3); pure functions of arrays.

Departures from the paper:
1. ``bounded`` forms beside the paper's: one over the perplexity, in [0, 1], in place of minus the
   perplexity; the share of the keywords allowed, in [-1, 0], in place of their number.
2. A perplexity above e^10 counts as e^10, so that one wild answer does not drown all others.
3. A fourth reward, distinction, off by default.
4. An answer that is no list of keywords lies ``penalty`` below the worst list that its question
   got; the paper does not say what becomes of it.
5. The words W are put to phi as one list, with commas.

For a question about an image t_i is the item's title and text all the same: what the image shows
is rewarded for what it has in common with the words. An item without words has neither information
nor reconstruction nor distinction, and only the length counts: such items are best not tuned on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gistrec.config.rewards import RewardConfig, RewardForm
from gistrec.mllm.prompts import listed
from gistrec.text.encoder import SentenceEncoder

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_MOST_LOG_PERPLEXITY = 10.0


@dataclass(frozen=True, eq=False)
class Rewards:
    """Rewards of n answers.

    Attributes:
        valid: bool [n], which answers are lists of keywords.
        information: float32 [n] in [-1, 1]; this and the next are NaN where the item has no words
            and where the answer is no list.
        reconstruction: float32 [n], in [0, 1] or, in the paper's form, at most -1.
        length: float32 [n], at most 0; NaN where the answer is no list.
        distinction: float32 [n] in [-2, 2]; NaN as information.
        total: float32 [n], their weighted sum, absent ones left out.
    """

    valid: Bools
    information: Floats
    reconstruction: Floats
    length: Floats
    distinction: Floats
    total: Floats


def rewards(
    answers: Sequence[tuple[str, ...] | None],
    questions: Sequence[int],
    texts: Sequence[str],
    mean_log_prob: Floats,
    most: int,
    encoder: SentenceEncoder,
    config: RewardConfig,
) -> Rewards:
    """All rewards of a batch.

    Args:
        answers: n answers' keywords; None where `mllm.answers.keywords` found no list.
        questions: n numbers; equal where the answers are to the same question.
        texts: n items' titles and texts, t_i; "" where an item has none.
        mean_log_prob: float32 [n], mean over the tokens of t_i of their log-probability after the
            gist; NaN where there is none.
        most: keywords that an answer may have.
        encoder: phi.
        config: weights and forms.
    """
    valid = np.array([answer is not None for answer in answers], dtype=np.bool_)
    known = valid & np.array([bool(text.strip()) for text in texts], dtype=np.bool_)
    gists = encoder.encode([listed(answer or ()) for answer in answers])
    distinct_texts = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(distinct_texts)}
    own = np.array([place[text] for text in texts], dtype=np.int64)
    words = encoder.encode(distinct_texts)
    counts = np.array([len(answer or ()) for answer in answers], dtype=np.int64)
    absent = np.float32(np.nan)
    informed = np.where(known, information(gists, words[own]), absent)
    rebuilt = np.where(known, reconstruction(mean_log_prob, config.form), absent)
    short = np.where(valid, length(counts, most, config.form), absent)
    distinct = np.where(known, distinction(gists, words, own), absent)
    weighted = (
        config.information * informed,
        config.reconstruction * rebuilt,
        config.length * short,
        config.distinction * distinct,
    )
    total = np.nansum(np.stack(weighted), axis=0)
    total = with_penalties(total.astype(np.float32), valid, questions, config.penalty)
    return Rewards(valid, informed, rebuilt, short, distinct, total)


def information(gists: Floats, texts: Floats) -> Floats:
    """R_info = cos(phi(W), phi(t_i)): float32 [n] of unit rows float32 [n, d] each."""
    cosines: Floats = np.clip((gists * texts).sum(axis=1), -1, 1)
    return cosines


def reconstruction(mean_log_prob: Floats, form: RewardForm) -> Floats:
    """R_recon = -exp(-(1/N) sum_j log P(w_j | w_<j, W)), or, bounded, exp of the mean itself.

    Args:
        mean_log_prob: float32 [n], at most 0; NaN stays NaN.
        form: which of the two.

    Returns:
        float32 [n]: minus the perplexity, or one over the perplexity.
    """
    mean = np.clip(mean_log_prob, -_MOST_LOG_PERPLEXITY, 0)
    result: Floats = (-np.exp(-mean) if form == "paper" else np.exp(mean)).astype(np.float32)
    return result


def length(counts: Ints, most: int, form: RewardForm) -> Floats:
    """R_len = -|W|, or, bounded, its share of the ``most`` that are allowed: float32 [n]."""
    result: Floats = (-counts / (1 if form == "paper" else most)).astype(np.float32)
    return result


def distinction(gists: Floats, texts: Floats, own: Ints) -> Floats:
    """How much nearer a gist is to its own item's words than to the nearest other words.

    Args:
        gists: float32 [n, d], unit rows.
        texts: float32 [m, d], the batch's distinct words as unit rows; zeros are left out.
        own: int64 [n], which of them are those of a gist's item.

    Returns:
        float32 [n] in [-2, 2]; 0 where the batch holds no other words.
    """
    cosines = np.where(np.any(texts != 0, axis=1), gists @ texts.T, -np.inf)
    rows = np.arange(len(gists))
    mine = cosines[rows, own]
    cosines[rows, own] = -np.inf
    nearest = cosines.max(axis=1, initial=-np.inf)
    told = np.isfinite(nearest) & np.isfinite(mine)
    margin: Floats = np.subtract(mine, nearest, out=np.zeros_like(mine), where=told)
    return np.clip(margin, -2, 2).astype(np.float32)


def with_penalties(total: Floats, valid: Bools, questions: Sequence[int], penalty: float) -> Floats:
    """Invalid answers put ``penalty`` below the worst valid one to the same question.

    Args:
        total: float32 [n], of the valid ones.
        valid: bool [n].
        questions: n numbers; equal where the answers are to the same question.
        penalty: above 0.

    Returns:
        float32 [n]; minus ``penalty`` where a question got no valid answer at all.
    """
    _, group = np.unique(np.asarray(questions, dtype=np.int64), return_inverse=True)
    worst = np.full(group.max(initial=-1) + 1, np.inf, dtype=np.float32)
    np.minimum.at(worst, group[valid], total[valid])
    worst[np.isinf(worst)] = 0
    found: Floats = np.where(valid, total, worst[group] - np.float32(penalty)).astype(np.float32)
    return found
