"""A tiny model that answers with lists, and what it is asked about."""

import copy
import functools

import numpy as np
import torch

from gistrec.config.gist import GistConfig
from gistrec.config.gist_tuning import GistTuningConfig
from gistrec.config.rewards import RewardConfig
from gistrec.config.tuning import TuningConfig
from gistrec.gist.tuning.tune import Shop
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.vision.looking import image_features

TITLES = ["red sofa", "blue lamp", "green chair", "plain sofa"] * 2
TEXTS = ["dotted", "plain", "", "red", "blue", "green", "red dotted", "plain blue"]
WORDS = ["red", "blue", "green", "sofa", "lamp", "chair", "dotted", "plain"]
SHORT = RewardConfig(information=0, reconstruction=0, length=1, form="paper", encoder="lsa")
ALL = RewardConfig(distinction=0.5, encoder="lsa")
FULL, LORA = TuningConfig(kind="full"), TuningConfig(kind="lora", rank=2)


def settings(**more: object) -> GistConfig:
    """Few and small steps, rewarded for short answers."""
    tuning = GistTuningConfig(
        kind="grpo",
        rewards=SHORT,
        steps=4,
        questions=2,
        generations=4,
        batch_size=8,
        learning_rate=3e-3,
        validation_items=2,
        validate_every=2,
        tuning=FULL,
    )
    return GistConfig(max_new_tokens=16, tuning=tuning.model_copy(update=more))


def shop_of(backbone: Backbone, pictures: list[bytes]) -> Shop:
    """Eight items, two of them without an image."""
    shown = image_features(backbone, len(TITLES), lambda code: dict(enumerate(pictures)).get(code))
    return Shop([f"i{code}" for code in range(len(TITLES))], TITLES, TEXTS, shown)


def copied(backbone: Backbone) -> Backbone:
    """Another with the same weights, which may be trained."""
    return make_backbone(copy.deepcopy(backbone.model), backbone.processor)


@functools.cache
def talker(backbone: Backbone) -> Backbone:
    """A copy that answers with lists of one to six words, any of them; not to be changed."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    taught, rng = copied(backbone), np.random.default_rng(0)
    optimizer = torch.optim.Adam(taught.model.parameters(), lr=5e-3)
    for _ in range(60):
        lists = [rng.permutation(WORDS)[: rng.integers(1, 7)].tolist() for _ in range(16)]
        lessons = [
            Lesson(
                taught.question(prompts.text_keywords(str(rng.choice(TITLES)), "")),
                taught.answer(prompts.listed(words)),
            )
            for words in lists
        ]
        optimizer.zero_grad()
        lesson_loss(taught, lessons, None).backward()
        optimizer.step()
    return taught
