"""Gists tuned by verifiable rewards with GRPO (MMSRARec 3.3).

Departures from the paper:
1. The rewards' weights are ours; the paper gives none.
2. Answers are judged on items held out, the best step's weights are kept, and tuning ends when
   they get no better.
3. A copy of the untuned model foretells the text, or that model itself with its new adapter
   switched off; the paper says "a frozen copy".
4. Keywords of an image are rewarded for being near to what the untuned model says of it too, not
   to the item's text alone, and not for its reconstruction: rewarded as in the paper they lose
   what only the image shows. `image_meaning: text` is the paper's.
"""

import logging
import shutil
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers.trainer_callback import TrainerCallback
from transformers.utils import logging as library_logging

from gistrec.config.gist import GistConfig
from gistrec.files import write_json
from gistrec.gist.tuning.curves import draw_curves
from gistrec.gist.tuning.frozen import prepare_policy
from gistrec.gist.tuning.judging import (
    Judgement,
    judged,
    likeliest_answers,
    seen_of_images,
)
from gistrec.gist.tuning.questions import Asked, questions_for_tuning
from gistrec.gist.tuning.report import TuningReport
from gistrec.gist.tuning.scorer import Gist, RememberingEncoder, Scorer
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.checkpoints import put_weights, trained_weights
from gistrec.mllm.prompts import listed
from gistrec.mllm.retell import retold
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.progress import say, track
from gistrec.text.encoder import open_sentence_encoder

if TYPE_CHECKING:
    from gistrec.gist.tuning.trainer import GistTrainer, Policy

REPORT_FILE, CURVES_FILE = "report.json", "rewards.png"
_CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Shop:
    """Whose gists are tuned: n_items ids, titles and texts, and features of the images."""

    item_ids: Sequence[str]
    titles: Sequence[str]
    texts: Sequence[str]
    features: ImageFeatures


def tune_gists(
    backbone: Backbone, shop: Shop, config: GistConfig, folder: Path, key: str
) -> TuningReport:
    """Tune ``backbone`` in place; its best weights are left in it.

    Args:
        backbone: who writes gists.
        shop: the items.
        config: of the gist stage; its ``tuning`` says how.
        folder: gets the report, the curves and TensorBoard's files, and keeps checkpoints while
            the tuning runs; an interrupted one goes on from there.
        key: stands for everything that decides the result.

    Raises:
        ConfigError: the model or the items cannot be tuned so; says what to set.
        RunError: the loss is no longer finite, or the checkpoint is of another tuning.
    """
    with _quiet():
        # trl takes seconds to import, which only those who tune should wait for.
        from gistrec.gist.tuning.trainer import CHECKPOINTS, GistTrainer

        tuning = config.tuning
        policy, exam = _prepared(backbone, shop, config)
        untuned = trained_weights(backbone.model)
        before, first = exam.taken()
        trainer = GistTrainer(policy, folder, key)
        trainer.standing = replace(trainer.standing, best=first.reward)
        trainer.best_weights = untuned
        found = trainer.resume_point()
        watch = _Watch(trainer, exam, first)
        trainer.add_callback(watch)
        say(
            f"gist tuning: {len(policy.asked)} questions, {len(exam.asked)} held out, "
            f"{tuning.answers} answers a step, texts compared by {exam.scorer.encoder.name}, "
            f"reward {first.reward:.3f} before"
        )
        try:
            if found is not None and trainer.out_of_patience:
                trainer.take_over_state(found)  # it had ended, and was cut off after that
            else:
                trainer.train(resume_from_checkpoint=None if found is None else str(found))
        finally:
            watch.close()
        put_weights(backbone.model, trainer.best_weights)
        backbone.model.eval()
        after, last = exam.taken()
    report = TuningReport.of(
        exam.scorer,
        shop.item_ids,
        exam.asked,
        (before, after),
        (first, last),
        trainer.state.global_step,
        trainer.standing.best_epoch,
        trainer.standing.seconds,
    )
    write_json(folder / REPORT_FILE, report.model_dump(mode="json"))
    draw_curves(trainer.state.log_history, folder / CURVES_FILE)
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return report


@dataclass(frozen=True, eq=False)
class _Exam:
    """The likeliest answers to the questions held out."""

    backbone: Backbone
    features: ImageFeatures
    scorer: Scorer
    asked: Sequence[Asked]

    def taken(self) -> tuple[list[Gist | None], Judgement]:
        """The answers as they are now, and what they are worth."""
        answers = likeliest_answers(self.backbone, self.asked, self.features, self.scorer.config)
        scores = self.scorer.scores(self.asked, answers)
        return scores.gists, judged(self.scorer, self.asked, scores)


class _Watch(TrainerCallback):  # type: ignore[misc]
    """What gistrec does between the trainer's steps: seeds, judges, saves, ends at a plateau."""

    def __init__(self, trainer: "GistTrainer", exam: _Exam, first: Judgement) -> None:
        self._trainer, self._exam, self._first = trainer, exam, first
        self._shown: Generator[int, None, None] | Iterator[int] = iter(())
        self._started = self._saved = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Begin the bar, and the curves with the untuned model."""
        if state.global_step == 0:
            self._trainer.note_validation(self._first.figures())
        self._shown = track(range(state.global_step, state.max_steps), "gist tuning")
        next(self._shown, None)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Seed the step."""
        import torch

        self._started = time.monotonic()
        torch.manual_seed(self._trainer.step_seed())

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Refuse to make a step of a loss that is not finite."""
        self._trainer.refuse_unsound_losses()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Judge when it is due, and save now and then."""
        trainer = self._trainer
        tuning = trainer.policy.config.tuning
        if state.global_step % tuning.validate_every == 0 or state.global_step == state.max_steps:
            self._judge(state.global_step)
            control.should_training_stop |= trainer.out_of_patience
            control.should_save = True
        control.should_save |= time.monotonic() - self._saved > _CHECKPOINT_SECONDS
        spent = trainer.standing.seconds + time.monotonic() - self._started
        trainer.standing = replace(trainer.standing, seconds=spent)
        next(self._shown, None)

    def on_save(self, args: Any, state: Any, control: Any, **_: object) -> None:
        """Start the clock anew."""
        self._saved = time.monotonic()

    def close(self) -> None:
        """End the bar."""
        if isinstance(self._shown, Generator):
            self._shown.close()

    def _judge(self, step: int) -> None:
        trainer = self._trainer
        _, judgement = self._exam.taken()
        trainer.note_validation(judgement.figures())
        best = trainer.standing.best
        if best is None or judgement.reward > best:
            trainer.standing = replace(trainer.standing, best=judgement.reward, best_epoch=step)
            trainer.best_weights = trained_weights(trainer.policy.backbone.model)
        trainer.standing = replace(trainer.standing, epochs=step)
        say(
            f"gist tuning step {step}: reward {judgement.reward:.3f} on held-out items, best "
            f"{trainer.standing.best:.3f} at step {trainer.standing.best_epoch}, keywords an item "
            f"{judgement.keywords_an_item:.1f}"
        )


def _prepared(backbone: Backbone, shop: Shop, config: GistConfig) -> "tuple[Policy, _Exam]":
    """The backbone made ready, what it is asked in training, and the questions held out."""
    from gistrec.gist.tuning.trainer import Policy

    backbone.model.eval()
    tuning, features = config.tuning, shop.features
    parts = questions_for_tuning(backbone, shop.titles, shop.texts, features, config)
    seen: dict[int, Gist] = {}
    if tuning.image_meaning == "text-and-seen":
        seen = seen_of_images(backbone, parts.training + parts.validation, features, config)
    words = [
        f"{retold(*both)}\n{listed(seen.get(code, ()))}"
        for code, both in enumerate(zip(shop.titles, shop.texts, strict=True))
    ]
    encoder = RememberingEncoder(open_sentence_encoder(tuning.rewards.encoder, words))
    frozen = prepare_policy(backbone, tuning.tuning, tuning.seed)
    scorer = Scorer(frozen, encoder, shop.titles, shop.texts, seen, config)
    policy = Policy(backbone, frozen, features, parts.training, scorer, config)
    return policy, _Exam(backbone, features, scorer, parts.validation)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' notes from the person who waits; errors still come through."""
    library, trl = library_logging.get_verbosity(), logging.getLogger("trl")
    level = trl.level
    library_logging.set_verbosity_error()
    trl.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        trl.setLevel(level)
        library_logging.set_verbosity(library)
