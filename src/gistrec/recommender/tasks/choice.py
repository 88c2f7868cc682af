"""The second task: which of these candidates comes next? They are listed behind letters.

A candidate that is told by the positive's own words is not listed, nor is one told twice: the
answer would not be one. As many are listed as there is room for, at most one for each letter.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, chain

import numpy as np
import numpy.typing as npt
import torch

from gistrec.data.sequences import IntArray, LongArray
from gistrec.mllm import prompts
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.packing import Tokens
from gistrec.recommender.profile import Profile
from gistrec.recommender.tasks.kind import Batch, Material
from gistrec.recommender.tasks.of_windows import drawn_windows, window_batches
from gistrec.recommender.windows import Windows, with_negatives

_STREAM = 6105
_LETTERS = range(len(prompts.LETTERS))
Line = tuple[int, ...]  # token ids


class Choice:
    """What is known of a user, the positive among its negatives, and its letter as the answer."""

    def __init__(self, material: Material) -> None:
        """Count what a list takes; nothing is built before its batch is run.

        Raises:
            ConfigError: a list of two has no room; says what to set.
        """
        self._material = material
        ids = material.backbone.text_ids
        self._heading, self._question = map(ids, prompts.choice_frame())
        self._letters = [ids(prompts.choice_letter(number)) for number in _LETTERS]
        self._answers = [material.backbone.answer(prompts.LETTERS[number]) for number in _LETTERS]
        self._answer = max(len(answer.ids) for answer in self._answers)
        frame = material.prompter.budget.frame
        self._least = frame + len(self._heading) + len(self._question) + self._answer
        longest = max((self._size(self._entry(c)) for c in material.data.known.tolist()), default=0)
        material.require("choice", self._least + 2 * longest)

    def batches(self, epoch: int) -> list[Batch]:
        """An epoch's, in random order."""
        material, config = self._material, self._material.config
        windows = drawn_windows(material, config.tasks.choice, _STREAM, epoch)
        negatives = min(config.negatives, len(prompts.LETTERS) - 1)
        seed = [config.seed, epoch, _STREAM]
        candidates = with_negatives(
            material.data.log, windows, material.data.known, negatives, seed
        )
        slots = np.random.default_rng(seed).random(len(windows), dtype=np.float32)
        loss = partial(self._loss, windows, candidates, slots)
        return window_batches(material, "choice", windows, _STREAM, epoch, loss)

    def lessons(
        self, windows: Windows, candidates: IntArray, slots: npt.NDArray[np.float32]
    ) -> list[Lesson]:
        """One a window.

        Args:
            windows: w windows.
            candidates: [w, c], the positives first.
            slots: [w], where in its list each positive stands, from 0 to below 1.
        """
        data = self._material.data
        told = data.told(windows, candidates)
        asked = zip(data.asked(windows), candidates.tolist(), told, slots.tolist(), strict=True)
        return [
            self._lesson(profile, self._listed(codes, lines), slot)
            for profile, codes, lines, slot in asked
        ]

    def _lesson(self, profile: Profile, listed: list[Line], slot: float) -> Lesson:
        place = int(slot * len(listed))
        positive, *others = listed
        lines = [*others[:place], positive, *others[place:]]
        lettered = chain.from_iterable(zip(self._letters, lines, strict=False))
        closing = [*self._heading, *chain.from_iterable(lettered), *self._question]
        prompter, after = self._material.prompter, Tokens(self._material.backbone.after)
        known = prompter.prefix(profile, closing, self._answer)
        return Lesson(known + after, self._answers[place])

    def _listed(self, codes: Sequence[int], told: Sequence[str] | None) -> list[Line]:
        """Lines of the candidates that are listed, the positive's first."""
        words = [self._material.prompter.words(code) for code in codes]
        distinct = [place for place, line in enumerate(words) if line not in words[:place]]
        bare = [self._entry(codes[place]) for place in distinct]
        if told is None:
            return self._fitting(bare)
        evidence = [self._material.backbone.text_ids(told[place]) for place in distinct]
        lines = self._fitting([one + other for one, other in zip(bare, evidence, strict=True)])
        # Evidence may be long: rather a choice without it than no choice.
        return lines if len(lines) > 1 else self._fitting(bare)

    def _fitting(self, lines: list[Line]) -> list[Line]:
        limit = self._material.prompter.budget.limit
        if limit is None:
            return lines
        return lines[: bisect_right(list(accumulate(map(self._size, lines))), limit - self._least)]

    def _size(self, line: Line) -> int:
        return len(line) + max(map(len, self._letters))

    def _entry(self, code: int) -> Line:
        return self._material.backbone.text_ids(
            prompts.choice_entry(self._material.prompter.words(code))
        )

    def _loss(
        self,
        windows: Windows,
        candidates: IntArray,
        slots: npt.NDArray[np.float32],
        places: LongArray,
    ) -> torch.Tensor:
        lessons = self.lessons(windows.take(places), candidates[places], slots[places])
        return lesson_loss(self._material.backbone, lessons, None)
