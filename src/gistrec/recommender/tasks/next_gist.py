"""The third task: which item comes next, told in words."""

from functools import partial

import torch

from gistrec.data.sequences import IntArray, LongArray
from gistrec.mllm import prompts
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.packing import Tokens
from gistrec.recommender.tasks.kind import Batch, Material
from gistrec.recommender.tasks.of_windows import drawn_windows, window_batches
from gistrec.recommender.windows import Windows, positives

_STREAM = 6106


class NextGist:
    """What is known of a user, and what the next item is told by as the answer."""

    def __init__(self, material: Material) -> None:
        """Nothing is built before its batch is run.

        Raises:
            ConfigError: its prompts have no room; says what to set.
        """
        self._material = material
        asked = prompts.next_question(material.prompter.nouns, material.titled)
        self._closing = material.backbone.text_ids(asked)
        frame = material.prompter.budget.frame
        material.require("next_gist", frame + len(self._closing) + material.longest_answer)

    def batches(self, epoch: int) -> list[Batch]:
        """An epoch's, in random order."""
        material = self._material
        weight = material.config.tasks.next_gist
        windows = drawn_windows(material, weight, _STREAM, epoch)
        loss = partial(self._loss, windows, positives(material.data.log, windows))
        return window_batches(material, "next_gist", windows, _STREAM, epoch, loss)

    def lessons(self, windows: Windows, following: IntArray) -> list[Lesson]:
        """One a window, ``following`` (int32 [w]) coming next."""
        material = self._material
        # Room is kept for the longest answer: what is shown must not hint at the one that is right.
        room = material.longest_answer
        lessons = []
        asked = zip(material.data.asked(windows), following.tolist(), strict=True)
        for profile, code in asked:
            answer = material.backbone.answer(material.prompter.words(code))
            known = material.prompter.prefix(profile, self._closing, room)
            lessons.append(Lesson(known + Tokens(material.backbone.after), answer))
        return lessons

    def _loss(self, windows: Windows, following: IntArray, places: LongArray) -> torch.Tensor:
        lessons = self.lessons(windows.take(places), following[places])
        return lesson_loss(self._material.backbone, lessons, None)
