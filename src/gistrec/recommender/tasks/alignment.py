"""The fourth task: what an item is told by, from its image and its title and text together.

An item is asked about with what it has of these. Where its title is the answer, the title is not
shown. Only items of the training log are asked about, so that cold ones stay unseen.
"""

from functools import partial

import numpy as np
import torch

from gistrec.data.sequences import LongArray
from gistrec.mllm import prompts
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.packing import Tokens
from gistrec.mllm.shortening import shortened
from gistrec.recommender.tasks.kind import Batch, Material
from gistrec.recommender.windows import spread

_STREAM = 6107


class Alignment:
    """An item's image and words, and what it is told by as the answer."""

    def __init__(self, material: Material) -> None:
        """Find out which items can be asked about.

        Raises:
            ConfigError: its prompts have no room; says what to set.
        """
        self._material = material
        least = len(self._question(None, "", "").ids) + material.longest_answer
        material.require("alignment", least)
        codes = [code for code in material.data.known.tolist() if self._can_be_asked(code)]
        self._codes = np.array(codes, dtype=np.int64)

    def batches(self, epoch: int) -> list[Batch]:
        """An epoch's, in random order; none where no item can be asked about."""
        material, config = self._material, self._material.config
        if not len(self._codes):
            return []
        wanted = round(config.tasks.alignment * len(material.data.windows_of(epoch)))
        seed = [config.seed, _STREAM, epoch]
        drawn = spread(len(self._codes), wanted, seed)
        order = self._codes[np.random.default_rng(seed).permutation(drawn)]
        size = config.batch_size
        parts = [order[at : at + size] for at in range(0, len(order), size)]
        return [Batch("alignment", len(codes), partial(self._loss, codes)) for codes in parts]

    def lesson(self, code: int) -> Lesson:
        """The question about an item, and its answer."""
        material = self._material
        answer = material.backbone.answer(material.prompter.words(code))
        image, title, text = self._shown(code)
        limit, most = material.prompter.budget.limit, material.config.tasks.max_text_tokens

        def fits(title: str, text: str) -> bool:
            if sum(len(material.backbone.text_ids(part)) for part in (title, text)) > most:
                return False
            whole = len(self._question(image, title, text).ids) + material.longest_answer
            return limit is None or whole <= limit

        title = shortened(title, lambda part: fits(part, ""))
        text = shortened(text, lambda part: fits(title, part))
        return Lesson(self._question(image, title, text), answer)

    def _loss(self, codes: LongArray) -> torch.Tensor:
        backbone, features = self._material.backbone, self._material.features
        lessons = [self.lesson(code) for code in codes.tolist()]
        images = [code for lesson in lessons for code in lesson.question.codes]
        return lesson_loss(backbone, lessons, features.of(images, backbone.device))

    def _can_be_asked(self, code: int) -> bool:
        image, title, text = self._shown(code)
        told = bool(self._material.prompter.words(code))
        return told and (image is not None or bool(title or text))

    def _shown(self, code: int) -> tuple[int | None, str, str]:
        """Image, title and text that an item is asked about with, before any is shortened."""
        written = self._material.data.written
        title, text = (" ".join(part.split()) for part in written[code]) if written else ("", "")
        # Prompts tell an item without keywords by its title, which is no question then.
        if self._material.titled or title.startswith(self._material.prompter.words(code)):
            title = ""
        return code if self._image_fits(code) else None, title, text

    def _image_fits(self, code: int) -> bool:
        features, limit = self._material.features, self._material.prompter.budget.limit
        if code not in features:
            return False
        image = len(self._question(code, "", "").ids) + self._material.longest_answer
        return limit is None or image <= limit

    def _question(self, image: int | None, title: str, text: str) -> Tokens:
        material = self._material
        asked = prompts.item_words(material.prompter.nouns, image, title, text, material.titled)
        return material.backbone.question(asked, material.features.grid)
