"""Fine-tuning the recommender on several kinds of task, batches of which are mixed.

Departures from MMSRARec 3.5:
1. The paper's Table 2 names its tasks without their prompts; the four kinds here are made after its
   text: will this come next, which of these comes next, the next item's gist, an item's gist.
2. Besides the paper's pairwise yes/no cross-entropy there is a listwise softmax over the
   candidates' yes-minus-no; both train on a packed row, prefix once. With `gist_weight` the tokens
   of its prefix are predicted as well.
3. Windows, negatives, and the order of listed candidates are drawn anew in each round.
4. The embedded backbone's language model is trained whole, without LoRA; the eyes of any backbone
   stay as they were, so that image features are computed once.
"""

from collections.abc import Callable
from pathlib import Path

from gistrec.config.recommender import RecommenderConfig
from gistrec.mllm.adapters import prepare_tuning, trainable_parameters
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.budget import Cuts, cuts_of
from gistrec.mllm.training import Course, Lessons, Trained, train
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.progress import say
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.tasks.kind import Material
from gistrec.recommender.tasks.mixing import Mix
from gistrec.recommender.training_set import TrainingSet


def fine_tune(
    backbone: Backbone,
    prompter: Prompter,
    features: ImageFeatures,
    data: TrainingSet,
    config: RecommenderConfig,
    judge: Callable[[], float] | None,
    checkpoint: Path | None,
    key: str,
) -> Trained:
    """Train the backbone's language model, or adapters on it, to say what comes next.

    Without epochs the backbone answers as before, and is judged.

    Args:
        backbone: what is trained, in place.
        prompter: builds the rows, here as when ranking.
        features: the catalogue's images, seen once.
        data: windows, out-of-fold neighbours, evidence, texts.
        config: kinds of task, loss, rounds, rates, and what of the model is trained.
        judge: a validation metric, higher is better; the best epoch is kept.
        checkpoint: folder where the training is saved and resumed; see ``gistrec.mllm.training``.
        key: stands for everything that decides the result.

    Raises:
        ConfigError: prompts of a kind of task have no room, or the model cannot be tuned so.
    """
    mix = Mix(Material(backbone, prompter, features, data, config))
    kind = prepare_tuning(backbone, config.tuning, config.seed)
    say(f"recommender: {kind} tuning of {trainable_parameters(backbone.model):,} parameters")
    course = Course(
        config.epochs,
        config.learning_rate,
        warmup=0.05,
        precision=config.precision,
        accumulation=config.accumulation,
        checkpoint_seconds=config.checkpoint_seconds,
        seed=config.seed,
        patience=config.patience,
    )
    lessons = Lessons("recommender", mix.batches, lambda batch: batch.loss(), judge)
    return train(backbone.model, lessons, course, checkpoint, key)


def training_examples(
    backbone: Backbone,
    prompter: Prompter,
    features: ImageFeatures,
    data: TrainingSet,
    config: RecommenderConfig,
) -> dict[str, int]:
    """How many examples of each kind of task a round has; arguments as those of ``fine_tune``."""
    return Mix(Material(backbone, prompter, features, data, config)).examples()


def training_cuts(prompter: Prompter, data: TrainingSet, epochs: int) -> Cuts:
    """What the prompts of a whole training leave out; a window counts in each epoch it is in."""
    return cuts_of(
        prompter.plan(profile)
        for epoch in range(epochs)
        for profile in data.asked(data.windows_of(epoch))
    )
