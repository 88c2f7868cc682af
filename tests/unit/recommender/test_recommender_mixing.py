"""How the kinds of task are mixed: counts, order, and that nothing is built before it is run."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recommender_cases import GISTS, N_ITEMS, NO_IMAGES, faithful, pictured, prompter

from gistrec.config.recommender import RecommenderConfig
from gistrec.config.tasks import TasksConfig
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.tasks.kind import Batch, Material
from gistrec.recommender.tasks.mixing import Mix
from gistrec.recommender.train import training_examples
from gistrec.recommender.training_set import TrainingSet
from gistrec.recommender.windows import draw_windows

LOG = faithful(20, 1)
WINDOWS = 20 * 4
WRITTEN = [(f"item {code}", f"made {GISTS[code]}") for code in range(N_ITEMS)]
CONFIG = RecommenderConfig(history=4, candidate=("gist",), negatives=3, batch_size=8)
weights = st.floats(0, 2.5)


def mixed(
    backbone: Backbone,
    tasks: TasksConfig,
    seed: int = 0,
    most: int | None = None,
    features: ImageFeatures = NO_IMAGES,
) -> Mix:
    config = CONFIG.model_copy(update={"tasks": tasks, "seed": seed})
    data = TrainingSet(LOG, lambda epoch: draw_windows(LOG, most, epoch), {}, written=WRITTEN)
    asks = prompter(backbone, config, features)
    assert training_examples(backbone, asks, features, data, config) == examples(
        Mix(Material(backbone, asks, features, data, config)).batches(1)
    )
    return Mix(Material(backbone, asks, features, data, config))


def examples(batches: Sequence[Batch]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for batch in batches:
        counts[batch.kind] += batch.examples
    return dict(counts)


def order(batches: Sequence[Batch]) -> list[tuple[str, int]]:
    return [(batch.kind, batch.examples) for batch in batches]


@given(
    yes_no=st.floats(0.1, 1),
    others=st.tuples(weights, weights, weights),
    most=st.one_of(st.none(), st.integers(5, 2 * WINDOWS)),
    seed=st.integers(0, 9),
)
def test_there_are_as_many_examples_as_the_weights_say_in_every_epoch(
    yes_no: float,
    others: tuple[float, float, float],
    most: int | None,
    seed: int,
    tiny_backbone: Backbone,
) -> None:
    choice, next_gist, alignment = others
    tasks = TasksConfig(yes_no=yes_no, choice=choice, next_gist=next_gist, alignment=alignment)
    mix = mixed(tiny_backbone, tasks, seed, most)
    windows = min(WINDOWS, most or WINDOWS)
    wanted = {
        kind: round(getattr(tasks, kind) * windows)
        for kind in ("yes_no", "choice", "next_gist", "alignment")
    }
    for epoch in (0, 3):
        found = mix.batches(epoch)
        assert examples(found) == {kind: count for kind, count in wanted.items() if count}
        assert len(found) == sum(-(-count // CONFIG.batch_size) for count in wanted.values())
        assert order(found) == order(mix.batches(epoch))


def test_kinds_are_mixed_and_otherwise_in_every_epoch_and_by_every_seed(
    tiny_backbone: Backbone,
) -> None:
    tasks = TasksConfig(choice=1, next_gist=1, alignment=1)
    found = [
        order(mixed(tiny_backbone, tasks, seed).batches(epoch))
        for seed, epoch in ((0, 0), (0, 1), (1, 0))
    ]
    assert len({tuple(one) for one in found}) == 3
    kinds = [kind for kind, _ in found[0]]
    changes = sum(one != other for one, other in pairwise(kinds))
    assert changes > 2 * (4 - 1)  # one kind after the other would change three times


def test_an_epochs_losses_are_decided_by_the_seed(tiny_backbone: Backbone) -> None:
    tasks = TasksConfig(choice=0.5, next_gist=0.5, alignment=0.5)

    def losses(seed: int, epoch: int) -> list[tuple[str, float]]:
        with torch.no_grad():
            return sorted(
                (batch.kind, batch.loss().item())
                for batch in mixed(tiny_backbone, tasks, seed, 16).batches(epoch)
            )

    first = losses(0, 0)
    assert losses(0, 0) == first
    for other in (losses(1, 0), losses(0, 1)):
        kinds = {kind for kind, _ in set(other) - set(first)}
        assert kinds >= {"yes_no", "choice", "next_gist"}


def test_no_prompt_is_built_before_its_batch_is_run(
    tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then every kind builds one for each of its examples, and packs them."""
    built: list[str] = []

    def note(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def noted(*args: object, **more: object) -> Row | Tokens:
            built.append(name)
            made: Row | Tokens = real(*args, **more)
            return made

        monkeypatch.setattr(owner, name, noted)

    tasks = TasksConfig(choice=1, next_gist=1, alignment=1)
    mix = mixed(tiny_backbone, tasks, features=pictured())
    note(Prompter, "row")
    note(Prompter, "prefix")
    note(Backbone, "question")
    note(Backbone, "pack")
    found = mix.batches(0)
    assert built == []
    name = {"yes_no": "row", "choice": "prefix", "next_gist": "prefix", "alignment": "question"}
    for kind, builder in name.items():
        batch = next(batch for batch in found if batch.kind == kind)
        with torch.no_grad():
            batch.loss()
        counts = Counter(built)
        assert counts.pop("pack") == 1
        assert set(counts) == {builder}
        assert counts[builder] >= batch.examples
        built.clear()


def test_rows_alone_are_trained_on_as_they_come(tiny_backbone: Backbone) -> None:
    """Kinds of weight 0 are not even looked at: prompts of theirs need no room."""
    alone = TasksConfig(choice=0, next_gist=0, alignment=0)
    config = CONFIG.model_copy(update={"tasks": alone})
    least = prompter(tiny_backbone, config).budget.least
    limited = config.model_copy(update={"max_prompt_tokens": least})
    data = TrainingSet(LOG, lambda epoch: draw_windows(LOG, None, epoch), {})
    asks = prompter(tiny_backbone, limited)
    found = training_examples(tiny_backbone, asks, NO_IMAGES, data, limited)
    assert found == {"yes_no": WINDOWS}
