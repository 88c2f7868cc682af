"""What tuning came to on items held out: before and after, side by side."""

import math
from collections.abc import Iterator, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from gistrec.gist.tuning.judging import Judgement, Side
from gistrec.gist.tuning.questions import About, Asked
from gistrec.gist.tuning.scorer import Gist, Scorer
from gistrec.mllm.prompts import listed

_SHOWN = 10
# What a guard may lose before a person is warned.
_REPETITION, _COPYING, _SAMENESS, _VALID = 0.1, 0.2, 0.1, 0.05
_HALF, _HALF_AGAIN = 0.5, 1.5
_FEWEST = 20  # answers, before and after, that a guard is a share of; fewer show nothing
_ERRORS = 2.0  # standard errors that a share must fall by to be no chance


class Sample(BaseModel):
    """One answer before and after; None where it was no list of keywords."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: About
    item: str
    title: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None


class TuningReport(BaseModel):
    """The result of a tuning.

    Attributes:
        encoder: by which texts were compared.
        steps: that were made.
        best_step: whose weights were kept; 0 where no step was better than the untuned model.
        seconds: spent in steps.
        items: held out, whose answers are judged.
        before, after: the likeliest answers of the untuned and of the tuned model.
        warnings: guards that got much worse.
        samples: some answers side by side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str
    steps: int
    best_step: int
    seconds: float
    items: int
    before: Judgement
    after: Judgement
    warnings: tuple[str, ...]
    samples: tuple[Sample, ...]

    @classmethod
    def of(
        cls,
        scorer: Scorer,
        item_ids: Sequence[str],
        asked: Sequence[Asked],
        gists: tuple[Sequence[Gist | None], Sequence[Gist | None]],
        judgements: tuple[Judgement, Judgement],
        steps: int,
        best_step: int,
        seconds: float,
    ) -> Self:
        """Put together what was seen before and after.

        Args:
            scorer: who rewarded.
            item_ids: of the catalogue, by item code.
            asked: the questions.
            gists: answers to them, before and after.
            judgements: what these were worth.
            steps: that were made.
            best_step: whose weights were kept.
            seconds: spent in steps.
        """
        pairs = zip(asked, *gists, strict=True)
        samples = [
            Sample(
                about=one.about,
                item=item_ids[one.code],
                title=scorer.titles[one.code],
                before=before,
                after=after,
            )
            for one, before, after in pairs
        ]
        return cls(
            encoder=scorer.encoder.name,
            steps=steps,
            best_step=best_step,
            seconds=round(seconds, 1),
            items=len({one.code for one in asked}),
            before=judgements[0],
            after=judgements[1],
            warnings=tuple(_warnings(*judgements)),
            samples=tuple(samples[:_SHOWN]),
        )

    def told(self) -> list[str]:
        """Lines for the person who waits."""
        before, after = self.before, self.after
        lines = [
            f"gists tuned: reward {before.reward:.3f} -> {after.reward:.3f} on {self.items} "
            f"held-out items (step {self.best_step} of {self.steps}), keywords an item "
            f"{before.keywords_an_item:.1f} -> {after.keywords_an_item:.1f}"
        ]
        if not self.best_step:
            lines.append("no step was better than the untuned model, which stays as it was")
        for about in ("image", "text"):
            sides = getattr(before, about), getattr(after, about)
            if sides[0] is not None and sides[1] is not None:
                lines.append(f"  {about}: {_changes(*sides)}")
        lines += [
            f"  {sample.item} {sample.title!r}, {sample.about}: "
            f"{_shown(sample.before)} -> {_shown(sample.after)}"
            for sample in self.samples[:4]
        ]
        answered = filter(None, (before.image, before.text, after.image, after.text))
        fewest = min(map(_lists, answered), default=_FEWEST)
        if fewest < _FEWEST:
            lines.append(
                f"note: with {fewest} lists of keywords among the answers to one kind of question "
                f"tricks do not show; {_FEWEST} are needed (see gist.tuning.validation_items)"
            )
        return lines + [f"WARNING: {warning}" for warning in self.warnings]


def _changes(before: Side, after: Side) -> str:
    names = ("information", "reconstruction", "valid", "keywords", "copying", "distinct")
    found = []
    for name in names:
        was, now = getattr(before, name), getattr(after, name)
        if was is not None and now is not None:
            found.append(f"{name} {was:.2f} -> {now:.2f}")
    return ", ".join(found)


def _shown(gist: tuple[str, ...] | None) -> str:
    return "no list" if gist is None else f"[{listed(gist)}]"


def _warnings(before: Judgement, after: Judgement) -> Iterator[str]:
    for about in ("image", "text"):
        was, now = getattr(before, about), getattr(after, about)
        if was is not None and now is not None:
            yield from (f"answers about the {about} {what}" for what in tricks(was, now))


def tricks(was: Side, now: Side) -> Iterator[str]:
    """What got much worse, in words that go on from "answers"; nothing from a handful of them."""
    if was.questions >= _FEWEST and now.valid < was.valid - max(_VALID, _by_chance(was, now)):
        yield f"are lists of keywords less often: {was.valid:.0%} -> {now.valid:.0%}"
    if min(_lists(was), _lists(now)) < _FEWEST:
        return
    if now.keywords < _HALF * was.keywords:
        yield f"have few keywords left: {was.keywords:.1f} -> {now.keywords:.1f}"
    if now.keywords > _HALF_AGAIN * was.keywords and was.keywords:
        yield f"have grown longer: {was.keywords:.1f} -> {now.keywords:.1f} keywords"
    if now.repetition > was.repetition + _REPETITION:
        yield f"repeat their words: {was.repetition:.0%} -> {now.repetition:.0%}"
    if now.copying > was.copying + _COPYING:
        yield f"copy the item's own words: {was.copying:.0%} -> {now.copying:.0%} of the keywords"
    if now.most_frequent > was.most_frequent + _SAMENESS:
        yield f"are often one and the same: {was.most_frequent:.0%} -> {now.most_frequent:.0%}"
    if now.distinct < _HALF * was.distinct:
        yield f"tell items apart less: {was.distinct:.0%} -> {now.distinct:.0%} are distinct"


def _lists(side: Side) -> int:
    """Answers that are lists of keywords."""
    return round(side.valid * side.questions)


def _by_chance(was: Side, now: Side) -> float:
    """How far the share of lists falls by chance alone."""
    variances = [side.valid * (1 - side.valid) / side.questions for side in (was, now)]
    return _ERRORS * math.sqrt(sum(variances))
