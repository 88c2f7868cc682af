"""GRPO over gists: trl's GRPOTrainer, given this project's prompts, images and forward pass.

Departures from the GRPOTrainer's ways:
1. Answers are drawn and scored through the backbone's own packed forward pass, with the ids of
   the gist stage's questions and image features computed once: the trainer's own tokenizes a
   prompt as one text, cuts some models' images into tiles, and runs the tower for every answer.
2. Each step seeds the random numbers anew, so that a resumed tuning draws the same answers.
3. Checkpoints hold only what is trained, and appear whole or not at all.
4. Nothing is sent to its makers, and no model card is written.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.tensorboard import SummaryWriter
from transformers import PrinterCallback, Trainer, TrainerState
from transformers.integrations import TensorBoardCallback
from transformers.trainer import TRAINER_STATE_NAME
from trl import GRPOConfig, GRPOTrainer

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.errors import RunError
from gistrec.gist.tuning.frozen import Frozen
from gistrec.gist.tuning.questions import Asked, order_of_questions
from gistrec.gist.tuning.rewarding import Rewarding
from gistrec.gist.tuning.scorer import Scorer
from gistrec.gist.tuning.token_scores import token_scores
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.checkpoints import (
    Checkpoints,
    Standing,
    Weights,
    checkpoint_weights,
    put_weights,
    trained_weights,
)
from gistrec.mllm.engines.engine import Sampling
from gistrec.mllm.generation import answer_ids
from gistrec.mllm.training import autocast
from gistrec.mllm.vision.features import ImageFeatures

_SEED_STREAM = 8202
CHECKPOINTS = "tuning.checkpoint"
_WARMUP = 0.1


@dataclass(frozen=True, eq=False)
class Policy:
    """What is tuned, and on what.

    Attributes:
        backbone: whose weights with gradients are trained, in place.
        frozen: what it was before.
        features: of the images that questions show.
        asked: the questions.
        scorer: rewards the answers.
        config: of the gist stage.
    """

    backbone: Backbone
    frozen: Frozen
    features: ImageFeatures
    asked: Sequence[Asked]
    scorer: Scorer
    config: GistConfig


class GistTrainer(GRPOTrainer):  # type: ignore[misc]
    """The GRPOTrainer of one tuning.

    Attributes:
        policy: what is tuned.
        standing: what the tuning has come to; its epochs are steps here, up to the latest judged.
        best_weights: of the best judgement.
    """

    def __init__(self, policy: Policy, folder: Path, key: str) -> None:
        self.policy = policy
        self.standing = Standing()
        self.best_weights: Weights = {}
        self._rows = torch.empty(0, dtype=torch.long)  # questions of the batch under way
        self._losses: list[torch.Tensor] = []
        rewarding = Rewarding(policy.scorer, policy.asked, policy.backbone)
        super().__init__(
            model=policy.backbone.model,
            reward_funcs=rewarding.functions(),
            args=_arguments(policy, folder),
            train_dataset=_dataset(policy),
            processing_class=policy.backbone.processor.tokenizer,
            rollout_func=_drawn,
        )
        if self.accelerator.num_processes > 1:
            raise RunError("gists are tuned by one process: start gistrec without a launcher")
        self.remove_callback(PrinterCallback)
        logs = SummaryWriter(str(folder / schema.TENSORBOARD_FOLDER))
        self.add_callback(TensorBoardCallback(logs))
        # Set behind the trainer's back, which would load a second copy of the model by its name.
        self.beta = policy.config.tuning.kl
        self.ref_model = policy.frozen
        self._checkpoints = Checkpoints(folder / CHECKPOINTS, key, 1)

    def resume_point(self) -> Path | None:
        """The checkpoint to go on from, whose standing is taken over; None to begin."""
        found = self._checkpoints.latest()
        if found is None:
            self._checkpoints.clear()
        else:
            self.standing, self.best_weights = self._checkpoints.load(found)
        return found

    @property
    def out_of_patience(self) -> bool:
        """Whether the latest judgements were no better than the best before them for too long."""
        tuning, standing = self.policy.config.tuning, self.standing
        waited = standing.epochs - standing.best_epoch
        return waited >= tuning.patience * tuning.validate_every

    def take_over_state(self, checkpoint: Path) -> None:
        """Take a checkpoint's count of steps and its log, without going on from it."""
        self.state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))

    def step_seed(self) -> int:
        """The seed of all that the step under way draws."""
        drawn = [self.policy.config.tuning.seed, _SEED_STREAM, self.state.global_step]
        return int(np.random.default_rng(drawn).integers(2**63))

    def note_validation(self, logs: dict[str, float]) -> None:
        """Put figures on held-out items beside those of the step."""
        Trainer.log(self, {f"eval_{name}": value for name, value in logs.items()})

    def refuse_unsound_losses(self) -> None:
        """Make no step of a loss that is not finite.

        Raises:
            RunError: one is not.
        """
        losses = torch.stack(self._losses).tolist()
        self._losses.clear()
        if not all(map(math.isfinite, losses)):
            rate = self.policy.config.tuning.learning_rate
            raise RunError(
                "the loss of the gist tuning is no longer finite; lower gist.tuning.learning_rate "
                f"(it is {rate})"
            )

    def draw(self) -> tuple[list[list[int]], list[list[int]]]:
        """Ids of the questions of the batch under way, and of an answer drawn to each."""
        policy, tuning = self.policy, self.policy.config.tuning
        questions = [policy.asked[row].tokens for row in self._rows.tolist()]
        answers: list[list[int]] = [[] for _ in questions]
        with autocast(policy.backbone.device, tuning.precision):
            for row, ids in answer_ids(
                policy.backbone,
                questions,
                policy.features,
                policy.config.max_new_tokens,
                len(questions),
                Sampling(tuning.temperature, self.step_seed()),
            ):
                answers[row] = list(ids)
        return [list(question.ids) for question in questions], answers

    def compute_loss(self, *args: Any, **options: Any) -> torch.Tensor:
        """The loss of a batch, noted."""
        loss: torch.Tensor = super().compute_loss(*args, **options)
        self._losses.append(loss.detach())
        return loss

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._rows = torch.tensor([example["row"] for example in inputs])
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        return {**output, "rows": self._rows.to(output["advantages"].device)}

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        self._rows = inputs["rows"]
        loss: torch.Tensor = super()._compute_loss(model, inputs)
        return loss

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        **_: object,
    ) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Log-probabilities and entropies of the answers' tokens, float32 [b, tokens] each."""
        policy, tuning = self.policy, self.policy.config.tuning
        mask = attention_mask[:, -logits_to_keep:].bool()
        lengths = mask.sum(dim=1).tolist()
        ids = input_ids[:, -logits_to_keep:].tolist()
        answers = [one[:length] for one, length in zip(ids, lengths, strict=True)]
        questions = [policy.asked[row].tokens for row in self._rows.tolist()]
        size = self.args.per_device_train_batch_size

        def scored(backbone: Backbone) -> list[tuple[torch.Tensor, torch.Tensor]]:
            with autocast(backbone.device, tuning.precision):
                return [
                    token_scores(
                        backbone,
                        questions[at : at + size],
                        answers[at : at + size],
                        policy.features,
                        tuning.temperature,
                    )
                    for at in range(0, len(questions), size)
                ]

        if model is policy.frozen:
            with policy.frozen.asked() as backbone:
                parts = scored(backbone)
        else:
            parts = scored(policy.backbone)
        said, unsure = (torch.cat(part) for part in zip(*parts, strict=True))
        nothing = torch.zeros(mask.shape, device=mask.device)
        return nothing.masked_scatter(mask, said), nothing.masked_scatter(mask, unsure), None

    def _save_checkpoint(self, model: Any, trial: object = None) -> None:
        def more(folder: Path) -> None:
            self._save_optimizer_and_scheduler(str(folder))
            self.state.save_to_json(str(folder / TRAINER_STATE_NAME))

        weights = trained_weights(self.policy.backbone.model)
        step = self.state.global_step
        self._checkpoints.save(step, self.standing, weights, self.best_weights, more)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        put_weights(self.policy.backbone.model, checkpoint_weights(Path(resume_from_checkpoint)))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Nothing to load: every step seeds its own."""

    def _send_telemetry(self) -> None:
        """Tell no one."""


def _drawn(_: list[str], trainer: GistTrainer) -> dict[str, Any]:
    questions, answers = trainer.draw()
    return {"prompt_ids": questions, "completion_ids": answers, "logprobs": None}


def _dataset(policy: Policy) -> Dataset:
    """The questions in the order in which they are asked; what they say is looked up by row."""
    tuning = policy.config.tuning
    rows = order_of_questions(len(policy.asked), tuning.steps, tuning.questions, tuning.seed)
    names = [f"{policy.asked[row].about} {policy.asked[row].code}" for row in rows]
    return Dataset.from_dict({"prompt": names, "row": rows})


def _arguments(policy: Policy, folder: Path) -> GRPOConfig:
    tuning = policy.config.tuning
    at_once = min(tuning.batch_size, tuning.answers)
    arguments = GRPOConfig(
        output_dir=str(folder),
        max_steps=tuning.steps,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=tuning.answers // at_once,
        num_generations=tuning.generations,
        max_completion_length=policy.config.max_new_tokens,
        temperature=tuning.temperature,
        reward_weights=list(policy.scorer.weights.values()),
        loss_type="grpo",
        beta=0.0,
        learning_rate=tuning.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=math.ceil(_WARMUP * tuning.steps),
        bf16=False,
        gradient_checkpointing=False,
        disable_dropout=True,
        shuffle_dataset=False,
        use_cpu=policy.backbone.device.type == "cpu",
        seed=tuning.seed,
        save_strategy="no",
        eval_strategy="no",
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
    )
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # else several GPUs in one process would be made to copy the model
    return arguments
