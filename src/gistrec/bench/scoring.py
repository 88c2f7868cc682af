"""How fast a user's candidates are scored, against other ways to do it on the same model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product

import torch

from gistrec.bench.causal import score_separately
from gistrec.bench.flops import row_flops, share_of_peak
from gistrec.bench.memory import free_mib, taken_mib
from gistrec.bench.record import About, Record, kernel_of
from gistrec.bench.timing import Timed, Work, seconds_of, take_turns
from gistrec.bench.ways import OTHERS, Other, Room, Way, other, ours
from gistrec.bench.workload import Pictures, Shape, Workload, look_at_pictures, make_workload
from gistrec.mllm.attention import use_kernel
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.scoring import usual_chunk
from gistrec.progress import say, track

_OURS = "ours"
_RUNS_WITHIN_LIMIT = 3  # a sample is so small that it can be run so often
_SHARE_OF_MEMORY = 0.5  # of what is free: the estimate is a straight line through one prompt


@dataclass(frozen=True)
class ScoringGrid:
    """What is measured: every combination of the tuples.

    Attributes:
        candidates, prefixes: how many, and tokens of what they share.
        images: whether candidates show an image.
        against: other ways.
        candidate_tokens: of a candidate's words.
        chunk_tokens: where ``score_rows`` cuts a long list of candidates; none for where it does by
            itself.
        users: whose candidates ours, and a plain forward, take at once; seconds are a user's.
        repeats: runs of each way at most.
        limit_seconds: for all runs of a way together; where a prompt for each pair would take
            longer a sample of pairs is run.
        answer_tokens: that the published way generates.
    """

    candidates: tuple[int, ...] = (21, 100)
    prefixes: tuple[int, ...] = (128, 512, 2048)
    images: tuple[bool, ...] = (False, True)
    against: tuple[Other, ...] = OTHERS
    candidate_tokens: int = 18
    chunk_tokens: tuple[int, ...] = ()
    users: tuple[int, ...] = (1,)
    repeats: int = 5
    limit_seconds: float = 6.0
    answer_tokens: int = 2


@dataclass(frozen=True, kw_only=True)
class ScoringConditions(About):
    """Under which a comparison holds.

    Attributes:
        candidates, prefix_tokens, candidate_tokens: as asked; words only.
        images: whether candidates show an image.
        image_tokens: of an image with the marks around it, on top of a candidate's words.
        chunk_tokens: where ours cuts a long list of candidates.
        users: whose candidates ours takes at once.
        seconds_per_image: of one image through the vision tower; ours looks once a catalogue, so
            it is in no time of ours.
        their_attention: the kernel of the other way.
        repeats, their_repeats: runs that count.
        ours_median_seconds, their_median_seconds: beside the least disturbed ones.
        pairs_measured: of the other way; its seconds are scaled to all candidates.
        their_batch: pairs that it runs at once.
        answer_tokens: that the published way generates.
        ours_peak_mib, their_peak_mib: by how much memory grew in a run of what was measured.
        tokens_per_second, candidates_per_second: of ours.
        token_ratio: tokens that the other way runs to those of ours.
        share_of_peak: of ours, of the card's dense bfloat16 peak.
        score_difference: the largest between both ways' scores; None where the other's mean
            nothing.
    """

    candidates: int
    prefix_tokens: int
    candidate_tokens: int
    images: bool
    image_tokens: int
    chunk_tokens: int
    users: int
    seconds_per_image: float | None
    their_attention: str
    repeats: int
    their_repeats: int
    ours_median_seconds: float
    their_median_seconds: float
    pairs_measured: int
    their_batch: int
    answer_tokens: int | None
    ours_peak_mib: float | None
    their_peak_mib: float | None
    tokens_per_second: float
    candidates_per_second: float
    token_ratio: float
    share_of_peak: float | None
    score_difference: float | None


def bench_scoring(backbone: Backbone, about: About, grid: ScoringGrid) -> Iterator[Record]:
    """Measure every combination, and yield a record for each other way.

    Raises:
        ConfigError: a prompt of the grid does not fit the backbone.
    """
    pictures = look_at_pictures(backbone) if any(grid.images) else None
    looking = None if pictures is None else _seconds_of_looking(backbone, pictures)
    chunks = grid.chunk_tokens or (usual_chunk(backbone.device),)
    combinations = list(product(grid.images, grid.prefixes, grid.candidates, chunks, grid.users))
    for images, prefix, candidates, chunk, users in track(combinations, "bench scoring"):
        shape = Shape(candidates, prefix, grid.candidate_tokens, images)
        yield from _Comparison(
            backbone, about, grid, shape, chunk, users, pictures, looking if images else None
        ).records()


@dataclass(frozen=True)
class _Comparison:
    """One combination."""

    backbone: Backbone
    about: About
    grid: ScoringGrid
    shape: Shape
    chunk: int
    users: int
    pictures: Pictures | None
    looking: float | None

    def records(self) -> list[Record]:
        """Run all ways in turns."""
        backbone, grid = self.backbone, self.grid
        work = make_workload(backbone, self.shape, self.pictures)
        kernel = kernel_of(backbone)
        theirs = "eager" if kernel == "eager" else "sdpa"  # is_causal, no mask of ours
        use_kernel(backbone, theirs)
        room = self._room(work)
        ways = {_OURS: ours(backbone, work, self.chunk, self.users)}
        for name in grid.against:
            ways[name] = other(name, backbone, work, room, grid.answer_tokens, self.users)
        scores: dict[str, torch.Tensor] = {}

        def run(name: str) -> None:
            scores[name] = ways[name].score()

        works = {
            name: Work(
                partial(run, name),
                partial(use_kernel, backbone, kernel if name == _OURS else theirs),
            )
            for name in ways
        }
        try:
            timed = take_turns(works, backbone.device, grid.repeats, grid.limit_seconds)
        finally:
            use_kernel(backbone, kernel)
        found = [self._record(name, work, ways, timed, scores, theirs) for name in grid.against]
        told = ", ".join(f"{one.against} {one.ratio:.2f} x" for one in found)
        many = f", {self.users} users at once" if self.users > 1 else ""
        say(f"{self.shape}{many}: ours {timed[_OURS].best / self.users:.4f} s; {told}")
        return found

    def _room(self, work: Workload) -> Room:
        """What one prompt takes says how many fit."""
        backbone = self.backbone
        seconds: list[float] = []

        def one() -> None:
            seconds.append(
                seconds_of(
                    lambda: score_separately(backbone, work.prompts[:1], work.features, 1),
                    backbone.device,
                )
            )

        one()
        mib = taken_mib(one, backbone.device) or 0.0
        each = min(seconds)
        allowed = _SHARE_OF_MEMORY * free_mib(backbone.device)
        return Room(
            int(self.grid.limit_seconds / _RUNS_WITHIN_LIMIT / each),
            int(allowed / mib) if mib else len(work.row.branches),
        )

    def _record(
        self,
        name: Other,
        work: Workload,
        ways: Mapping[str, Way],
        timed: Mapping[str, Timed],
        scores: Mapping[str, torch.Tensor],
        their_attention: str,
    ) -> Record:
        shape, way, mine, their = self.shape, ways[name], timed[_OURS], timed[name]
        scale = shape.candidates / way.pairs / way.users
        best = mine.best / self.users
        same = None
        if name != "plain-forward":
            same = float((scores[_OURS][: way.pairs] - scores[name]).abs().max())
        tokens = len(work.row)
        device = self.backbone.device
        conditions = ScoringConditions(
            **vars(self.about),
            candidates=shape.candidates,
            prefix_tokens=shape.prefix,
            candidate_tokens=shape.candidate,
            images=shape.images,
            image_tokens=work.image_tokens,
            chunk_tokens=self.chunk,
            users=self.users,
            seconds_per_image=self.looking,
            their_attention=their_attention,
            repeats=len(mine.seconds),
            their_repeats=len(their.seconds),
            ours_median_seconds=mine.median / self.users,
            their_median_seconds=their.median * scale,
            pairs_measured=way.pairs,
            their_batch=way.batch,
            answer_tokens=self.grid.answer_tokens if name == "published" else None,
            ours_peak_mib=mine.peak_mib,
            their_peak_mib=their.peak_mib,
            tokens_per_second=tokens / best,
            candidates_per_second=shape.candidates / best,
            token_ratio=way.tokens / tokens,
            share_of_peak=share_of_peak(row_flops(self.backbone, work.row), best, device),
            score_difference=same,
        )
        return Record(
            f"How long does it take to score {shape.candidates} candidates of a user behind a "
            f"prefix of {shape.prefix} tokens, {'with' if shape.images else 'without'} images?",
            name,
            best,
            their.best * scale,
            their.best * scale / best,
            conditions,
        )


@torch.no_grad()
def _seconds_of_looking(backbone: Backbone, pictures: Pictures) -> float:
    """Of one image through the vision tower; the first time warmed it up."""
    one = pictures.prepared[:1]
    return min(seconds_of(lambda: backbone.family.look(one), backbone.device) for _ in range(2))
