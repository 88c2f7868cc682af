"""How strongly the backbone says yes rather than no, for every candidate of every row."""

from collections.abc import Iterator, Sequence

import torch
from transformers.cache_utils import DynamicCache

from gistrec.mllm.backbone import Backbone, Past
from gistrec.mllm.packing import Packed, Row, Tokens, pack_branches
from gistrec.mllm.vision.features import ImageFeatures

BATCH_TOKENS = 16_384
# Measured by `gistrec bench scoring --chunk-tokens`: a row at once computes attention that its mask
# throws away, which costs more than another pass as soon as the prefix or the list is long. A
# pass costs a CPU little, and what it works on stays in its caches.
CHUNK_TOKENS, CHUNK_TOKENS_ON_CPU = 512, 128
SHORT_PREFIX = 192


def usual_chunk(device: torch.device) -> int:
    """Tokens of candidates that a pass takes at most, on this device."""
    return CHUNK_TOKENS_ON_CPU if device.type == "cpu" else CHUNK_TOKENS


def hidden_states(backbone: Backbone, packed: Packed, features: ImageFeatures) -> torch.Tensor:
    """Last-layer states [b, s, d] of a packed batch."""
    return backbone.hidden(packed, features.of(packed.images, backbone.device))


def answer_states(backbone: Backbone, rows: Sequence[Row], features: ImageFeatures) -> torch.Tensor:
    """Last-layer states [n, d] where each candidate's answer begins, row by row."""
    packed = backbone.pack(rows)
    hidden = hidden_states(backbone, packed, features)
    return hidden[packed.answers[:, 0], packed.answers[:, 1]]


def yes_minus_no(backbone: Backbone, states: torch.Tensor) -> torch.Tensor:
    """Log p(yes) - log p(no) at each state: float32 [n] from [n, d].

    p sums over the spellings that an answer may begin with; the sigmoid of the result is
    p(yes) / (p(yes) + p(no)), the score of both papers.
    """
    logits = backbone.some_logits(states, backbone.yes_ids + backbone.no_ids)
    count = len(backbone.yes_ids)
    return logits[:, :count].logsumexp(-1) - logits[:, count:].logsumexp(-1)


@torch.no_grad()
def score_rows(
    backbone: Backbone,
    rows: Sequence[Row],
    features: ImageFeatures,
    max_tokens: int = BATCH_TOKENS,
    chunk_tokens: int | None = None,
) -> list[torch.Tensor]:
    """One float32 [branches] of yes-minus-no a row, on the CPU.

    Args:
        backbone: whose answers.
        rows: prompts of any lengths; those of like length share a batch.
        features: of the images in them.
        max_tokens: about so many padded tokens are run at once.
        chunk_tokens: where a row's candidates take more, or its prefix is long, the prefix is run
            first and they follow it in chunks of so many tokens, on its keys and values; None for
            ``usual_chunk``.
    """
    if chunk_tokens is None:
        chunk_tokens = usual_chunk(backbone.device)
    scores: list[torch.Tensor] = [torch.empty(0)] * len(rows)
    short = [
        number
        for number, row in enumerate(rows)
        if row.branch_tokens <= chunk_tokens and len(row.prefix.ids) <= SHORT_PREFIX
    ]
    for batch in _batches(short, [len(row) for row in rows], max_tokens):
        chosen = [rows[row] for row in batch]
        found = yes_minus_no(backbone, answer_states(backbone, chosen, features)).cpu()
        parts = found.split_with_sizes([len(row.branches) for row in chosen])
        for row, part in zip(batch, parts, strict=True):
            scores[row] = part
    long = sorted(set(range(len(rows))) - set(short))
    lengths = [max(len(row.prefix.ids), chunk_tokens) for row in rows]
    for batch in _batches(long, lengths, max_tokens):
        found_parts = _score_long([rows[row] for row in batch], backbone, features, chunk_tokens)
        for row, part in zip(batch, found_parts, strict=True):
            scores[row] = part
    return scores


def _batches(places: Sequence[int], lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """``places`` in batches of like length, about ``most`` padded tokens each."""
    batch: list[int] = []
    for place in sorted(places, key=lambda place: lengths[place]):
        if batch and (len(batch) + 1) * lengths[place] > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _score_long(
    rows: Sequence[Row], backbone: Backbone, features: ImageFeatures, chunk_tokens: int
) -> list[torch.Tensor]:
    """Scores of rows whose prefixes are run once and then followed by chunk after chunk."""
    packed = backbone.pack([Row(row.prefix, ()) for row in rows])
    _, past = backbone.begin(packed, features.of(packed.images, backbone.device))
    chunks = [chunked(row.branches, chunk_tokens) for row in rows]
    scores: list[list[torch.Tensor]] = [[] for _ in rows]
    for number in range(max(len(parts) for parts in chunks)):
        going = [row for row in range(len(rows)) if number < len(chunks[row])]
        following = [Row(rows[row].prefix, chunks[row][number]) for row in going]
        chunk = pack_branches(following, backbone.layout).to(backbone.device)
        hidden = backbone.hidden(
            chunk, features.of(chunk.images, backbone.device), _branched(past, going)
        )
        found = yes_minus_no(backbone, hidden[chunk.answers[:, 0], chunk.answers[:, 1]]).cpu()
        parts = found.split_with_sizes([len(row.branches) for row in following])
        for row, part in zip(going, parts, strict=True):
            scores[row].append(part)
    return [torch.cat(parts) for parts in scores]


def chunked(branches: Sequence[Tokens], most: int) -> list[tuple[Tokens, ...]]:
    """Branches in runs of at most ``most`` tokens; a longer branch is a run of its own."""
    runs: list[tuple[Tokens, ...]] = []
    run: list[Tokens] = []
    taken = 0
    for branch in branches:
        if run and taken + len(branch.ids) > most:
            runs.append(tuple(run))
            run, taken = [], 0
        run.append(branch)
        taken += len(branch.ids)
    return [*runs, tuple(run)] if run else runs


def _branched(past: Past, rows: Sequence[int]) -> Past:
    """The past of ``rows`` to go on from, such that ``past`` itself stays as it is."""
    cache = DynamicCache()
    chosen = torch.tensor(rows, device=past.marks.branch.device)
    whole = len(rows) == len(past.marks.branch)
    for number, layer in enumerate(past.cache.layers):
        keys, values = layer.keys, layer.values
        cache.update(keys if whole else keys[chosen], values if whole else values[chosen], number)
    return Past(cache, past.marks if whole else past.marks[chosen])
