"""What a recommendation by taste costs: MLLM-MSR as published, ours, and MMSRARec without a taste.

After MMSRARec (arXiv 2512.20916), Table 7: inferences and seconds for one recommendation. The parts
of a way are timed one by one and added.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product

from gistrec.bench.passes import passes_of
from gistrec.bench.record import About, Record, kernel_of
from gistrec.bench.taste_cost import Compared, Cost, TasteConditions, Told
from gistrec.bench.taste_ways import Part, PartWay, part_ways
from gistrec.bench.tastes import TasteShape, make_histories
from gistrec.bench.timing import Work, take_turns
from gistrec.bench.workload import Pictures, Shape, Workload, look_at_pictures, make_workload
from gistrec.mllm.attention import use_kernel
from gistrec.mllm.backbone import Backbone
from gistrec.progress import say, track

FRAME_TOKENS = 16  # of the words around what a prompt knows of a user
SHOWN, NEARBY = 5, 3  # MMSRARec's gists: of the history, and of what similar users chose next


@dataclass(frozen=True)
class TasteGrid:
    """What is measured: every combination of the tuples.

    Attributes:
        history: items of a user.
        taste_tokens: of every taste.
        images: whether candidates show an image.
        users: whose recommendations ours and MMSRARec's make at once.
        block: items that one question about a taste tells.
        candidates: of a user.
        item_tokens: of an item's line, in a block and in MMSRARec's prefix.
        candidate_tokens: of a candidate's words.
        answer_tokens: that the published way generates for a candidate.
        repeats: runs of each part at most.
        limit_seconds: for all runs of a part together; each is run at least once.
    """

    history: tuple[int, ...] = (6, 12, 24, 48)
    taste_tokens: tuple[int, ...] = (24,)
    images: tuple[bool, ...] = (True,)
    users: int = 64
    block: int = 3
    candidates: int = 21
    item_tokens: int = 24
    candidate_tokens: int = 18
    answer_tokens: int = 2
    repeats: int = 5
    limit_seconds: float = 6.0


def bench_taste(backbone: Backbone, about: About, grid: TasteGrid) -> Iterator[Record]:
    """Measure every combination, and yield its records.

    Raises:
        ConfigError: a prompt of the grid does not fit the backbone.
    """
    pictures = look_at_pictures(backbone) if any(grid.images) else None
    combinations = list(product(grid.images, grid.taste_tokens, grid.history))
    for images, tokens, history in track(combinations, "bench taste"):
        yield from _Comparison(backbone, about, grid, history, tokens, images, pictures).records()


@dataclass(frozen=True)
class _Comparison:
    """One combination."""

    backbone: Backbone
    about: About
    grid: TasteGrid
    history: int
    taste_tokens: int
    images: bool
    pictures: Pictures | None

    def records(self) -> list[Record]:
        """Run all parts in turns, and hold each way against the others."""
        by_taste = self._work(self.taste_tokens)
        cost = self._costs(by_taste)
        every = cost["tastes"] + cost["packed"]
        last = cost["last tastes"] + cost["packed"]
        published = cost["tastes alone"] + cost["published"]
        gists = cost["packed gists"]
        compared: tuple[tuple[Compared, Told | None, str, Cost, Cost], ...] = (
            ("tastes", "all blocks", "one-user-at-a-time", cost["tastes"], cost["tastes alone"]),
            ("scoring", None, "one-by-one", cost["packed"], cost["one-by-one"]),
            ("scoring", None, "published", cost["packed"], cost["published"]),
            ("whole", "all blocks", "published", every, published),
            ("whole", "all blocks", "mmsrarec", every, gists),
            ("whole", "last block", "published", last, published),
            ("whole", "last block", "mmsrarec", last, gists),
        )
        found = [
            Record(
                self._question(what, told),
                against,
                ours.seconds,
                theirs.seconds,
                theirs.seconds / ours.seconds,
                self._conditions(by_taste, what, told, ours, theirs),
            )
            for what, told, against, ours, theirs in compared
        ]
        said = ", ".join(
            f"{what} {one.against} {one.ratio:.2f} x"
            for (what, *_), one in zip(compared[:4], found, strict=False)
        )
        say(
            f"{self.history} items, tastes of {self.taste_tokens} tokens: ours "
            f"{every.seconds:.4f} s, from stored tastes {last.seconds:.4f} s; {said}"
        )
        return found

    def _costs(self, by_taste: Workload) -> Mapping[Part, Cost]:
        backbone, grid = self.backbone, self.grid
        shape = TasteShape(
            grid.users, self.history, grid.block, grid.item_tokens, self.taste_tokens
        )
        ways = part_ways(
            backbone,
            make_histories(backbone, shape),
            by_taste,
            self._work((SHOWN + NEARBY) * grid.item_tokens),
            grid.answer_tokens,
        )
        kernel = kernel_of(backbone)
        plain = "eager" if kernel == "eager" else "sdpa"  # is_causal, no mask of ours
        passes: dict[str, int] = {}

        def run(name: str, way: PartWay) -> None:
            passes[name] = passes_of(way.run, backbone)

        works: dict[str, Work] = {
            name: Work(
                partial(run, name, way),
                partial(use_kernel, backbone, kernel if way.ours else plain),
            )
            for name, way in ways.items()
        }
        try:
            timed = take_turns(works, backbone.device, grid.repeats, grid.limit_seconds)
        finally:
            use_kernel(backbone, kernel)
        return {name: Cost.of(way, timed[name], passes[name]) for name, way in ways.items()}

    def _work(self, known: int) -> Workload:
        """Candidates behind so many tokens of what is known of a user."""
        grid = self.grid
        prefix = len(self.backbone.before) + FRAME_TOKENS + known
        shape = Shape(grid.candidates, prefix, grid.candidate_tokens, self.images)
        return make_workload(self.backbone, shape, self.pictures)

    def _question(self, what: Compared, told: Told | None) -> str:
        shown = "with" if self.images else "without"
        if what == "tastes":
            return (
                f"How long does it take to tell a user's taste of {self.taste_tokens} tokens after "
                f"{self.history} items?"
            )
        if what == "scoring":
            return (
                f"How long does it take to score {self.grid.candidates} candidates of a user "
                f"behind a taste of {self.taste_tokens} tokens, {shown} images?"
            )
        stored = ", the taste before the last block being stored" if told == "last block" else ""
        return (
            f"How long does a recommendation by a taste of {self.taste_tokens} tokens take after "
            f"{self.history} items, {shown} images{stored}?"
        )

    def _conditions(
        self, work: Workload, what: Compared, told: Told | None, ours: Cost, theirs: Cost
    ) -> TasteConditions:
        grid = self.grid
        return TasteConditions(
            **vars(self.about),
            compared=what,
            told=told,
            users=grid.users,
            history=self.history,
            block=grid.block,
            candidates=grid.candidates,
            item_tokens=grid.item_tokens,
            taste_tokens=self.taste_tokens,
            candidate_tokens=grid.candidate_tokens,
            answer_tokens=grid.answer_tokens,
            prefix_tokens=len(work.row.prefix.ids),
            images=self.images,
            image_tokens=work.image_tokens,
            ours_calls=ours.calls,
            their_calls=theirs.calls,
            ours_passes=ours.passes,
            their_passes=theirs.passes,
            repeats=ours.repeats,
            their_repeats=theirs.repeats,
            ours_median_seconds=ours.median,
            their_median_seconds=theirs.median,
        )
