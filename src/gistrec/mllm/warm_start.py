"""The warm start: what a new embedded backbone learns before it meets a single user.

Kinds of lesson, mixed in every round: drawings of the primer and the words for them; the
catalogue's own texts and the telling words in them; the same the other way round, from some of the
words to the text; all of it in sentences, where these are wanted; invented users' tastes, likewise;
lists of invented users and what would fit them. No user of the log is asked about here; at most it
says which words of the texts are telling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse

from gistrec.config.backbone import EmbeddedConfig
from gistrec.files import fingerprint_of
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.embedded import make_model, make_processor, train_tokenizer
from gistrec.mllm.families.family import Grid, Prepared
from gistrec.mllm.invented import Pictures, invented_rows, told_rows
from gistrec.mllm.invented_items import Goods
from gistrec.mllm.invented_tastes import taste_lessons
from gistrec.mllm.keywords import telling_words
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.losses import candidate_loss
from gistrec.mllm.packing import Row
from gistrec.mllm.primer import draw_primer, primer_parts, primer_words
from gistrec.mllm.retell import retell_lesson
from gistrec.mllm.scoring import yes_minus_no
from gistrec.mllm.sentence_lessons import description_lesson, joined_lesson, summary_lesson
from gistrec.mllm.shortening import text_question
from gistrec.mllm.training import Course, Lessons, Trained, train
from gistrec.progress import say

_STREAM, _RETOLD_STREAM, _SENTENCE_STREAM = 8102, 8104, 8105
# How often prompt and primer words stand in the tokenizer's text, so that they become tokens: at
# least so often, and once for so many items, or a large catalogue's words would crowd them out.
_REPEATS, _ITEMS_A_REPEAT = 50, 5
_MOST_TEXT = 160  # tokens of a question about a text
_MOST_RETOLD = 64  # tokens of a text that is told again
# Lessons in tastes at once, at most: to say each word of a prompt once is learned late and then
# soon, so that many small steps are worth more than few large ones.
_TASTES_AT_ONCE = 8


@dataclass(frozen=True)
class _Batch:
    """A batch of one kind of lesson: drawings, texts, others in words alone, or invented users.

    Attributes:
        described: of ``drawings``, lessons of this round in place of those in keywords.
        worded: lessons without images.
    """

    drawings: tuple[int, ...] = ()
    described: tuple[Lesson, ...] = ()
    texts: tuple[int, ...] = ()
    worded: tuple[Lesson, ...] = ()
    invented: tuple[Row, ...] = ()


def warm_start(
    texts: Sequence[tuple[str, str]],
    nouns: prompts.Nouns,
    config: EmbeddedConfig,
    checkpoint: Path | None = None,
    chosen: sparse.csr_array | None = None,
) -> tuple[Backbone, Trained]:
    """Make the embedded backbone for a catalogue.

    Args:
        texts: (title, text) of every item; either may be empty.
        nouns: the dataset's words, so that the tokenizer knows the prompts.
        config: sizes and rounds.
        checkpoint: folder where training is saved and resumed.
        chosen: [users, items], 1 where a user of the training log chose the item, where
            ``config.telling`` is ``log``; else None.
    """
    told = np.flatnonzero([bool(title or text) for title, text in texts])
    written = [texts[row] for row in told.tolist()]
    by_users = None if chosen is None else sparse.csr_array(chosen[:, told])
    tokenizer = train_tokenizer(_tokenizer_texts(written, nouns), config.vocabulary)
    backbone = make_backbone(make_model(tokenizer, config), make_processor(tokenizer, config))
    school = _School.open(backbone, nouns, written, config, by_users)
    say(
        f"warm start: {len(school.seeing)} drawings, {len(school.reading)} texts, "
        f"{config.invented_users} invented users, {len(tokenizer)} tokens"
    )
    course = Course(config.epochs, config.learning_rate, precision="bf16", seed=config.seed)
    told_by = [list(some) for some in school.words]
    key = fingerprint_of(
        [config.model_dump(), vars(nouns), [list(pair) for pair in texts], told_by]
    )
    lessons = Lessons("warm start", school.batches, school.loss)
    return backbone, train(backbone.model, lessons, course, checkpoint, key)


@dataclass(frozen=True, eq=False)
class _School:
    """Everything that is taught, in batches of one kind each."""

    backbone: Backbone
    nouns: prompts.Nouns
    config: EmbeddedConfig
    drawings: list[Prepared]
    captions: list[tuple[str, str, str]]  # kind, colour and pattern of each drawing
    seeing: list[Lesson]
    reading: list[Lesson]
    written: list[tuple[str, str]]  # title and text of each item whose text has telling words
    words: list[tuple[str, ...]]  # which these are

    @classmethod
    def open(
        cls,
        backbone: Backbone,
        nouns: prompts.Nouns,
        written: Sequence[tuple[str, str]],
        config: EmbeddedConfig,
        chosen: sparse.csr_array | None = None,
    ) -> "_School":
        drawings = draw_primer(config.primer_drawings, config.image_side, config.seed)
        prepared = backbone.family.prepare([one.image for one in drawings]) if drawings else []
        seeing = [
            _image_lesson(backbone, drawing.words, one.grid)
            for drawing, one in zip(drawings, prepared, strict=True)
        ]
        words = telling_words(
            [f"{title} {text}" for title, text in written], config.keywords, chosen
        )
        reading = [
            Lesson(
                text_question(backbone, title, text, _MOST_TEXT),
                backbone.answer(prompts.listed(told)),
            )
            for (title, text), told in zip(written, words, strict=True)
            if told
        ]
        told = [(both, some) for both, some in zip(written, words, strict=True) if some]
        pairs, telling = [both for both, _ in told], [some for _, some in told]
        captions = [drawing.words for drawing in drawings]
        return cls(backbone, nouns, config, prepared, captions, seeing, reading, pairs, telling)

    @property
    def goods(self) -> Goods:
        """What invented items are made of: nothing drawn where nothing is to be seen."""
        return Goods(self.words, primer_parts() if self.drawings or not self.words else ())

    def batches(self, epoch: int) -> list[_Batch]:
        """One round, its batches in random order."""
        rng = np.random.default_rng([self.config.seed, _STREAM, epoch])
        batches = [_Batch(drawings=rows) for rows in self._cut(rng.permutation(len(self.seeing)))]
        order = rng.permutation(len(self.reading))[: self.config.max_texts]
        lengths = [len(self.reading[row].question.ids) for row in order]
        order = order[np.argsort(lengths, kind="stable")]  # like lengths together: less padding
        batches += [_Batch(texts=rows) for rows in self._cut(order)]
        batches += self._worded(self._retold(epoch)) + self._in_sentences(epoch)
        batches += self._tastes(epoch) + self._compared(epoch)
        return [batches[place] for place in rng.permutation(len(batches))]

    def loss(self, batch: _Batch) -> torch.Tensor:
        """The loss of a batch of any kind."""
        if batch.invented:
            packed = self.backbone.pack(batch.invented)
            hidden = self.backbone.hidden(packed, self._seen(packed.images))
            states = hidden[packed.answers[:, 0], packed.answers[:, 1]]
            logits = yes_minus_no(self.backbone, states)
            return candidate_loss(logits.view(len(batch.invented), -1), "listwise")
        if batch.worded:
            return lesson_loss(self.backbone, batch.worded, None)
        if batch.texts:
            return lesson_loss(self.backbone, [self.reading[row] for row in batch.texts], None)
        lessons = batch.described or [self.seeing[row] for row in batch.drawings]
        return lesson_loss(self.backbone, lessons, self._seen(batch.drawings))

    def _seen(self, drawings: Sequence[int]) -> torch.Tensor | None:
        """Features of these drawings in order, looked at as the eyes are now."""
        if not drawings:
            return None
        return torch.cat(self.backbone.family.look([self.drawings[row] for row in drawings]), dim=1)

    def _retold(self, epoch: int) -> list[Lesson]:
        """Texts to tell again from a few of their words in any order, the shortest first."""
        rng = np.random.default_rng([self.config.seed, _RETOLD_STREAM, epoch])
        lessons = []
        for row in rng.permutation(len(self.written))[: self.config.retold_texts].tolist():
            words = rng.permutation(list(self.words[row]))[: rng.integers(len(self.words[row])) + 1]
            title, text = self.written[row]
            lessons.append(retell_lesson(self.backbone, words.tolist(), title, text, _MOST_RETOLD))
        return sorted(lessons, key=lambda lesson: len(lesson.answer.ids))

    def _in_sentences(self, epoch: int) -> list[_Batch]:
        """Drawings described, texts summarised, descriptions and summaries joined."""
        rng = np.random.default_rng([self.config.seed, _SENTENCE_STREAM, epoch])
        count, batches = self.config.sentences, []
        for rows in self._cut(rng.permutation(len(self.drawings))[:count]):
            described = [
                description_lesson(self.backbone, self.captions[row], self.drawings[row].grid, rng)
                for row in rows
            ]
            batches.append(_Batch(drawings=rows, described=tuple(described)))
        both = self.words and self.drawings
        told = [
            summary_lesson(self.backbone, self.written[row], self.words[row], _MOST_TEXT, rng)
            for row in rng.permutation(len(self.written))[:count].tolist()
        ]
        joined = [
            joined_lesson(self.backbone, self.words, rng) for _ in range(count if both else 0)
        ]
        for lessons in (told, joined):
            batches += self._worded(sorted(lessons, key=lambda one: len(one.question.ids)))
        return batches

    def _tastes(self, epoch: int) -> list[_Batch]:
        """Invented users' preferences brought up to date."""
        in_sentences, count = self.config.sentences > 0, self.config.tastes
        seed = [self.config.seed, epoch]
        lessons = taste_lessons(self.backbone, self.nouns, self.goods, in_sentences, count, seed)
        lessons.sort(key=lambda lesson: len(lesson.question.ids))
        return self._worded(lessons, min(self.config.batch_size, _TASTES_AT_ONCE))

    def _compared(self, epoch: int) -> list[_Batch]:
        """Invented users told by their history, and others told by their taste."""
        config = self.config
        size, seed = config.batch_size, [config.seed, epoch]
        who = self.backbone, self.nouns, self.goods
        rows = invented_rows(*who, config.invented_users, seed)
        pictures = Pictures.of(self.captions, lambda row: self.drawings[row].grid, config.pictured)
        told = told_rows(*who, pictures, config.tastes, seed)
        told.sort(key=lambda row: len(row.prefix.ids))
        return [
            _Batch(invented=tuple(some[at : at + size]))
            for some in (rows, told)
            for at in range(0, len(some), size)
        ]

    def _worded(self, lessons: Sequence[Lesson], at_once: int | None = None) -> list[_Batch]:
        size = at_once or self.config.batch_size
        return [
            _Batch(worded=tuple(lessons[at : at + size])) for at in range(0, len(lessons), size)
        ]

    def _cut(self, order: npt.NDArray[np.int64]) -> list[tuple[int, ...]]:
        size = self.config.batch_size
        return [tuple(order[at : at + size].tolist()) for at in range(0, len(order), size)]


def _tokenizer_texts(written: Sequence[tuple[str, str]], nouns: prompts.Nouns) -> list[str]:
    fixed = [*prompts.fixed_texts(nouns), *(f"{word}, " for word in primer_words())]
    repeats = max(_REPEATS, len(written) // _ITEMS_A_REPEAT)
    return fixed * repeats + [f"{title}\n{text}" for title, text in written]


def _image_lesson(backbone: Backbone, words: Sequence[str], grid: Grid) -> Lesson:
    # Any code will do: the drawing is handed over beside the lesson.
    question = backbone.question(prompts.image_keywords(0), lambda _: grid)
    return Lesson(question, backbone.answer(prompts.listed(words)))
