"""How fast (user, candidate) pairs are trained on, against a prompt for each pair.

Both ways train the language model whole, with the same optimiser and image features that do not
change; the pairs of a step are one user's positive and negatives.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from gistrec.bench.lessons import pairs_loss, row_loss
from gistrec.bench.memory import free_mib, taken_mib
from gistrec.bench.record import About, Record, kernel_of
from gistrec.bench.timing import Timed, Work, seconds_of, take_turns
from gistrec.bench.workload import Shape, Workload, look_at_pictures, make_workload
from gistrec.mllm.attention import use_kernel
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.kernels import SHORT
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.progress import say, track

TrainingOther = Literal["one-batch", "published"]
TRAINING_OTHERS: tuple[TrainingOther, ...] = get_args(TrainingOther)
PUBLISHED_STEP = 8  # MLLM-MSR: batches of 1, 8 of them to a step of the optimiser
_OURS, _UPDATE = "ours", "update"
_RUNS_WITHIN_LIMIT = 3
_SHARE_OF_MEMORY = 0.5
_LEAST = 2  # pairs of a sample: a batch of fewer would be none


@dataclass(frozen=True)
class TrainingGrid:
    """What is measured: every combination of the tuples.

    Attributes:
        prefixes: tokens of what a user's candidates share.
        images: whether candidates show an image.
        against: other ways; `one-batch` is a step of the same pairs as prompts of their own, all
            at once with cached image features; `published` is one prompt after the other, its
            image seen again, eight to a step.
        negatives: beside the positive.
        candidate_tokens: of a candidate's words.
        repeats: runs of each way at most.
        limit_seconds: for all runs of a way together; where a prompt for each pair would take
            longer a sample of pairs is run.
        learning_rate: of AdamW; the paper's.
    """

    prefixes: tuple[int, ...] = (128, 512)
    images: tuple[bool, ...] = (False, True)
    against: tuple[TrainingOther, ...] = TRAINING_OTHERS
    negatives: int = 8
    candidate_tokens: int = 18
    repeats: int = 5
    limit_seconds: float = 6.0
    learning_rate: float = 2e-5


@dataclass(frozen=True, kw_only=True)
class TrainingConditions(About):
    """Under which a comparison holds.

    Attributes:
        candidates, negatives: of a row; candidates are the positive and the negatives.
        prefix_tokens, candidate_tokens: as asked; words only.
        images: whether candidates show an image.
        image_tokens: of an image with the marks around it, on top of a candidate's words.
        trained_parameters: the language model's.
        optimiser: of both ways.
        loss, their_loss: see ``gistrec.bench.lessons``.
        their_attention: the kernel of the other way.
        repeats, their_repeats: runs of forward and backward that count.
        ours_median_seconds, their_median_seconds: beside the least disturbed ones.
        pairs_measured: forward and backward of the other way; scaled to the pairs of a step.
        their_batch: pairs that go forward and backward at once.
        pairs_a_step, their_pairs_a_step: between two steps of the optimiser.
        update_seconds: of one step of the optimiser, part of both ways' seconds.
        ours_peak_mib, their_peak_mib: by how much memory grew in forward and backward, gradients
            included.
        samples_per_second, their_samples_per_second: pairs trained on.
        tokens_per_second: of ours.
        token_ratio: tokens that the other way runs to those of ours.
    """

    candidates: int
    negatives: int
    prefix_tokens: int
    candidate_tokens: int
    images: bool
    image_tokens: int
    trained_parameters: int
    optimiser: str
    loss: str
    their_loss: str
    their_attention: str
    repeats: int
    their_repeats: int
    ours_median_seconds: float
    their_median_seconds: float
    pairs_measured: int
    their_batch: int
    pairs_a_step: int
    their_pairs_a_step: int
    update_seconds: float
    ours_peak_mib: float | None
    their_peak_mib: float | None
    samples_per_second: float
    their_samples_per_second: float
    tokens_per_second: float
    token_ratio: float


def bench_training(backbone: Backbone, about: About, grid: TrainingGrid) -> Iterator[Record]:
    """Measure every combination, and yield a record for each other way.

    The backbone's weights change, and its eyes are frozen from here on.

    Raises:
        ConfigError: a prompt of the grid does not fit the backbone.
    """
    pictures = look_at_pictures(backbone) if any(grid.images) else None
    for part in backbone.eyes:
        part.requires_grad_(False)
    trained = [value for value in backbone.model.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=grid.learning_rate, fused=True)
    backbone.model.train()
    combinations = list(product(grid.images, grid.prefixes))
    for images, prefix in track(combinations, "bench training"):
        shape = Shape(1 + grid.negatives, prefix, grid.candidate_tokens, images)
        work = make_workload(backbone, shape, pictures)
        yield from _Comparison(backbone, about, grid, shape, work, optimiser).records()
    backbone.model.eval()


@dataclass(frozen=True)
class _Other:
    """How the other way goes through the pairs of a step."""

    learn: Callable[[], None]
    pairs: int
    batch: int
    step: int


@dataclass(frozen=True)
class _Comparison:
    """One combination."""

    backbone: Backbone
    about: About
    grid: TrainingGrid
    shape: Shape
    work: Workload
    optimiser: torch.optim.Optimizer

    def records(self) -> list[Record]:
        """Run all ways in turns, and the optimiser's step beside them."""
        backbone, grid = self.backbone, self.grid
        kernel = kernel_of(backbone)
        theirs = "eager" if kernel == "eager" else "sdpa"  # is_causal, no mask of ours
        use_kernel(backbone, theirs)
        plain = self._plain_is_faster()
        others = self._others(plain)

        def forget(kernel: str) -> None:
            use_kernel(backbone, kernel)
            self.optimiser.zero_grad(set_to_none=True)

        works = {_OURS: Work(self._learn_row, lambda: forget(kernel))}
        for name, way in others.items():
            works[name] = Work(way.learn, lambda: forget(theirs))
        works[_UPDATE] = Work(self.optimiser.step)  # of the gradients that the last one left
        try:
            timed = take_turns(works, backbone.device, grid.repeats, grid.limit_seconds)
        finally:
            forget(kernel)
        told = f"{theirs}, {'plain' if plain else 'fused'}" if self._on_cpu else theirs
        found = [self._record(name, way, timed, told) for name, way in others.items()]
        ratios = ", ".join(f"{one.against} {one.ratio:.2f} x" for one in found)
        say(f"{self.shape}: ours {timed[_OURS].best + timed[_UPDATE].best:.4f} s; {ratios}")
        return found

    @property
    def _on_cpu(self) -> bool:
        return self.backbone.device.type == "cpu"

    @property
    def _ours_on_cpu(self) -> str:
        return "plain" if len(self.work.row) <= SHORT else "fused"

    def _learn_row(self) -> None:
        loss = row_loss(self.backbone, [self.work.row], self.work.features, "listwise")
        loss.backward()  # type: ignore[no-untyped-call]

    def _learn_pairs(self, pairs: int, batch: int, look: bool, plain: bool) -> None:
        for first in range(0, pairs, batch):
            codes = range(first, min(first + batch, pairs))
            features = self._looked_at(codes) if look else self.work.features
            prompts = [self.work.prompts[code] for code in codes]
            with _attention(plain):
                loss = pairs_loss(self.backbone, prompts, features, first, self.grid.negatives)
                loss.backward()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _looked_at(self, codes: range) -> ImageFeatures:
        """These candidates' features, their images seen again."""
        if not self.shape.images:
            return self.work.features
        prepared = [self.work.prepared[code] for code in codes]
        found = self.backbone.family.look(prepared)
        seen = {
            code: (one.grid, features)
            for code, one, features in zip(codes, prepared, found, strict=True)
        }
        return ImageFeatures.held(self.shape.candidates, seen)

    def _plain_is_faster(self) -> bool:
        """Which of the CPU's kernels takes less for a prompt of its own, forward and backward."""
        if not self._on_cpu:
            return False
        self._learn_pairs(1, 1, False, True)  # warms up
        device = self.backbone.device
        plain = seconds_of(lambda: self._learn_pairs(1, 1, False, True), device)
        return plain < seconds_of(lambda: self._learn_pairs(1, 1, False, False), device)

    def _others(self, plain: bool) -> dict[TrainingOther, _Other]:
        """Samples of pairs where all would take longer than the limit, by one pair's seconds."""
        device, count = self.backbone.device, self.shape.candidates
        seconds: list[float] = []

        def one() -> None:
            seconds.append(seconds_of(lambda: self._learn_pairs(1, 1, False, plain), device))

        self.optimiser.zero_grad(set_to_none=True)
        mib = taken_mib(one, device) or 0.0
        in_time = int(self.grid.limit_seconds / _RUNS_WITHIN_LIMIT / min(seconds))
        in_memory = int(_SHARE_OF_MEMORY * free_mib(device) / mib) if mib else count
        pairs = min(count, max(_LEAST, in_time))
        batch = max(1, min(pairs, in_memory))

        def way(batch: int, look: bool, step: int) -> _Other:
            return _Other(lambda: self._learn_pairs(pairs, batch, look, plain), pairs, batch, step)

        made = {"one-batch": way(batch, False, count), "published": way(1, True, PUBLISHED_STEP)}
        return {name: made[name] for name in self.grid.against}

    def _record(
        self, name: TrainingOther, way: _Other, timed: dict[str, Timed], their_attention: str
    ) -> Record:
        shape, count, row = self.shape, self.shape.candidates, self.work.row
        mine, their, update = timed[_OURS], timed[name], timed[_UPDATE].best
        scale, updates = count / way.pairs, update * count / way.step
        ours_seconds = mine.best + update
        their_seconds = their.best * scale + updates
        about = vars(self.about)
        if self._on_cpu:
            about = about | {"attention": f"{self.about.attention}, {self._ours_on_cpu}"}
        conditions = TrainingConditions(
            **about,
            candidates=count,
            negatives=self.grid.negatives,
            prefix_tokens=shape.prefix,
            candidate_tokens=shape.candidate,
            images=shape.images,
            image_tokens=self.work.image_tokens,
            trained_parameters=sum(
                value.numel() for group in self.optimiser.param_groups for value in group["params"]
            ),
            optimiser=f"{type(self.optimiser).__name__}, fused",
            loss="listwise",
            their_loss="pairwise",
            their_attention=their_attention,
            repeats=len(mine.seconds),
            their_repeats=len(their.seconds),
            ours_median_seconds=mine.median + update,
            their_median_seconds=their.median * scale + updates,
            pairs_measured=way.pairs,
            their_batch=way.batch,
            pairs_a_step=count,
            their_pairs_a_step=way.step,
            update_seconds=update,
            ours_peak_mib=mine.peak_mib,
            their_peak_mib=their.peak_mib,
            samples_per_second=count / ours_seconds,
            their_samples_per_second=count / their_seconds,
            tokens_per_second=len(row) / ours_seconds,
            token_ratio=count * self.work.prompt_tokens / len(row),
        )
        return Record(
            f"How long does it take to train on {count} candidates of a user behind a prefix of "
            f"{shape.prefix} tokens, {'with' if shape.images else 'without'} images?",
            name,
            ours_seconds,
            their_seconds,
            their_seconds / ours_seconds,
            conditions,
        )


def _attention(plain: bool) -> AbstractContextManager[None]:
    return sdpa_kernel(SDPBackend.MATH) if plain else nullcontext()
