import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from recommender_cases import (
    GISTS,
    N_ITEMS,
    NO_IMAGES,
    OF_A_KIND,
    faithful,
    fickle,
    pictured,
    prompter,
)

from gistrec.config.recommender import RecommenderConfig
from gistrec.config.tasks import TasksConfig
from gistrec.config.tuning import TuningConfig
from gistrec.data.sequences import Sequences
from gistrec.mllm.adapters import has_adapter
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.losses import candidate_loss
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.scoring import hidden_states, score_rows
from gistrec.mllm.training import Trained
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.known import Known
from gistrec.recommender.profile import Profile
from gistrec.recommender.rank import MllmRanker
from gistrec.recommender.tasks.kind import Batch
from gistrec.recommender.tasks.mixing import Mix
from gistrec.recommender.tasks.yes_no import prefix_loss
from gistrec.recommender.train import fine_tune
from gistrec.recommender.training_set import TrainingSet
from gistrec.recommender.windows import draw_windows

Make = Callable[[], Backbone]
CONFIG = RecommenderConfig(
    history=4,
    candidate=("gist",),
    negatives=6,
    epochs=2,
    learning_rate=3e-3,
    precision="none",
    gist_weight=0.0,
)
ROWS_ALONE = TasksConfig(choice=0, next_gist=0, alignment=0)
LOGITS = [[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]]


def learned(
    backbone: Backbone, log: Sequences, config: RecommenderConfig, features: ImageFeatures
) -> MllmRanker:
    asks = prompter(backbone, config, features)
    data = TrainingSet(log, lambda epoch: draw_windows(log, None, epoch), {})
    fine_tune(backbone, asks, features, data, config, None, None, "")
    return MllmRanker("tiny", backbone, asks, features, Known({}), N_ITEMS)


def untrained(log: Sequences, config: RecommenderConfig, made: Backbone) -> dict[str, torch.Tensor]:
    """The weights after a training without epochs, which is judged once."""
    judged: list[bool] = []

    def judge() -> float:
        judged.append(made.model.training)
        return 0.25

    data = TrainingSet(log, lambda epoch: draw_windows(log, None, epoch), {})
    asks = prompter(made, config)
    trained = fine_tune(made, asks, NO_IMAGES, data, config, judge, None, "")
    assert judged == [False]
    assert trained == Trained(epochs=0, best_epoch=0, best=0.25, seconds=0.0)
    return dict(made.model.state_dict())


def auc(ranker: MllmRanker, asked: Sequences) -> float:
    """How often each user's fifth item beats an item of another kind; ties count a half."""
    users = np.arange(len(asked))
    everything = np.tile(np.arange(N_ITEMS, dtype=np.int32), (len(asked), 1))
    scores = ranker.score(asked.prefixes(users, np.full(len(asked), 4)), everything)
    last = np.array([history[4] for history in asked])
    other = everything // OF_A_KIND != (last // OF_A_KIND)[:, None]
    positive = scores[users, last][:, None]
    wins = (positive > scores) + 0.5 * (positive == scores)
    return float(wins[other].mean())


@pytest.mark.parametrize(("loss", "negatives"), [("listwise", 6), ("pairwise", 6), ("pairwise", 1)])
def test_users_who_stick_to_a_kind_are_learned(
    loss: str, negatives: int, fresh_backbone: Make
) -> None:
    """Chance is 0.5; pairs of a yes and a no are the paper's form, and a window says less then."""
    epochs = 4 if negatives == 1 else 2
    config = CONFIG.model_copy(update={"loss": loss, "negatives": negatives, "epochs": epochs})
    ranker = learned(fresh_backbone(), faithful(100, 1), config, NO_IMAGES)
    assert auc(ranker, faithful(60, 2)) > 0.95


def test_users_who_stick_to_nothing_are_not(fresh_backbone: Make) -> None:
    """120 users, each with one of four values of AUC: within four standard errors of chance."""
    ranker = learned(fresh_backbone(), fickle(100, 1), CONFIG, NO_IMAGES)
    error = math.sqrt((1 / 4 + 1 / 36) / 2 / 120)  # values 0, 1/3, 2/3, 1 around 1/2
    assert auc(ranker, fickle(120, 2)) == pytest.approx(0.5, abs=4 * error)


def test_an_untrained_backbone_knows_nothing(tiny_backbone: Backbone) -> None:
    ranker = MllmRanker(
        "tiny", tiny_backbone, prompter(tiny_backbone, CONFIG), NO_IMAGES, Known({}), N_ITEMS
    )
    assert auc(ranker, faithful(60, 2)) < 0.8


def test_candidates_are_learned_from_their_images_alone(fresh_backbone: Make) -> None:
    """The history is told in words, the candidate shown: the words for images must be found."""
    shown = {"candidate": ("image",), "epochs": 4, "tasks": ROWS_ALONE}
    config = CONFIG.model_copy(update=shown)
    ranker = learned(fresh_backbone(), faithful(150, 1), config, pictured())
    assert auc(ranker, faithful(60, 2)) > 0.85


def test_the_eyes_stay_and_the_language_model_learns(fresh_backbone: Make) -> None:
    backbone = fresh_backbone()
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    config = CONFIG.model_copy(update={"candidate": ("image", "gist"), "epochs": 1})
    learned(backbone, faithful(10, 1), config, pictured())
    changed = {n for n, v in backbone.model.state_dict().items() if not torch.equal(v, before[n])}
    eyes = ("model.vision_model.", "model.connector.")
    assert not {name for name in changed if name.startswith(eyes)}
    assert changed == {name for name in before if not name.startswith(eyes)}
    eyed = {n for n, v in backbone.model.named_parameters() if not v.requires_grad}
    assert eyed == {n for n, _ in backbone.model.named_parameters() if n.startswith(eyes)}
    assert not backbone.model.training


def test_a_fine_tuning_is_decided_by_its_seed(fresh_backbone: Make) -> None:
    def scores(seed: int) -> np.ndarray:  # type: ignore[type-arg]
        config = CONFIG.model_copy(update={"seed": seed, "epochs": 1})
        ranker = learned(fresh_backbone(), faithful(12, 1), config, NO_IMAGES)
        return ranker.score(faithful(3, 2), np.tile(np.arange(N_ITEMS, dtype=np.int32), (3, 1)))

    assert np.array_equal(scores(1), scores(1))
    assert not np.array_equal(scores(1), scores(2))


def test_a_resumed_fine_tuning_ends_as_an_uninterrupted_one(
    fresh_backbone: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all kinds of task; interrupted while the second epoch is judged: it is done again."""
    log, kinds = faithful(12, 1), set()
    written = [(f"item {code}", f"made {GISTS[code]}") for code in range(N_ITEMS)]
    real = Mix.batches

    def noted(self: Mix, epoch: int) -> list[Batch]:
        made = real(self, epoch)
        kinds.update(batch.kind for batch in made)
        return made

    monkeypatch.setattr(Mix, "batches", noted)

    def tuned(scores: list[float], checkpoint: Path | None) -> dict[str, torch.Tensor]:
        """The weights after a training whose epochs are judged so; too few scores interrupt it."""
        backbone, left = fresh_backbone(), iter(scores)

        def judge() -> float:
            score = next(left, None)
            if score is None:
                raise KeyboardInterrupt
            return score

        data = TrainingSet(log, lambda epoch: draw_windows(log, 20, epoch), {}, written=written)
        asks = prompter(backbone, CONFIG, pictured())
        fine_tune(backbone, asks, pictured(), data, CONFIG, judge, checkpoint, "k")
        return dict(backbone.model.state_dict())

    whole = tuned([0.1, 0.2], None)
    assert kinds == {"yes_no", "choice", "next_gist", "alignment"}
    with pytest.raises(KeyboardInterrupt):
        tuned([0.1], tmp_path / "c")
    resumed = tuned([0.2], tmp_path / "c")
    assert all(torch.equal(value, whole[name]) for name, value in resumed.items())
    best_first = tuned([0.2, 0.1], None)
    assert not all(torch.equal(value, whole[name]) for name, value in best_first.items())


def test_without_epochs_a_backbone_answers_as_before_and_is_judged(
    fresh_backbone: Make, tiny_backbone: Backbone
) -> None:
    none = CONFIG.model_copy(update={"epochs": 0})
    after = untrained(faithful(6, 1), none, fresh_backbone())
    assert all(
        torch.equal(value, after[name]) for name, value in tiny_backbone.model.state_dict().items()
    )
    adapted = fresh_backbone()
    untrained(
        faithful(6, 1), none.model_copy(update={"tuning": TuningConfig(kind="lora")}), adapted
    )
    assert has_adapter(adapted)
    rows = prompter(tiny_backbone, none).row(Profile([0, 1], []), [2, 11])
    scores = [score_rows(one, [rows], NO_IMAGES)[0] for one in (tiny_backbone, adapted)]
    assert torch.equal(*scores)


def test_a_fine_tuning_ends_when_patience_does(fresh_backbone: Make) -> None:
    log, backbone = faithful(6, 1), fresh_backbone()
    left = iter([0.1, 0.3, 0.2, 0.3])
    config = CONFIG.model_copy(update={"epochs": 9, "patience": 2})
    data = TrainingSet(log, lambda epoch: draw_windows(log, None, epoch), {})
    asks = prompter(backbone, config)
    trained = fine_tune(backbone, asks, NO_IMAGES, data, config, lambda: next(left), None, "")
    assert (trained.epochs, trained.best_epoch, trained.best) == (4, 2, 0.3)


def test_the_pairwise_loss_weighs_positives_and_negatives_alike() -> None:
    yes = [math.log(1 + math.exp(-row[0])) for row in LOGITS]
    no = [math.log(1 + math.exp(logit)) for row in LOGITS for logit in row[1:]]
    expected = (sum(yes) / 2 + sum(no) / 4) / 2
    assert candidate_loss(torch.tensor(LOGITS), "pairwise").item() == pytest.approx(expected)


def test_the_listwise_loss_is_the_positives_share() -> None:
    shares = [math.exp(row[0]) / sum(map(math.exp, row)) for row in LOGITS]
    expected = -sum(map(math.log, shares)) / 2
    assert candidate_loss(torch.tensor(LOGITS), "listwise").item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["pairwise", "listwise"])
def test_a_loss_falls_with_the_positive_and_rises_with_a_negative(kind: str) -> None:
    logits = torch.tensor(LOGITS, requires_grad=True)
    candidate_loss(logits, kind).backward()
    assert logits.grad is not None
    assert (logits.grad[:, 0] < 0).all()
    assert (logits.grad[:, 1:] > 0).all()


def test_the_loss_of_prefixes_is_that_of_their_texts_alone(tiny_backbone: Backbone) -> None:
    """Candidates and padding have no part in it; by the model's public forward."""
    rows = [
        Row(Tokens((9, 20, 31, 40)), (Tokens((50, 51)), Tokens((60,)))),
        Row(Tokens((12, 13)), (Tokens((70, 71, 72)),)),
    ]
    losses = []
    with torch.no_grad():
        for row in rows:
            ids = row.prefix.ids
            found = tiny_backbone.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
            losses += [-found[at - 1, ids[at]].item() for at in range(1, len(ids))]
        packed = tiny_backbone.pack(rows)
        hidden = hidden_states(tiny_backbone, packed, NO_IMAGES)
        found = prefix_loss(tiny_backbone, packed, hidden)
    assert found.item() == pytest.approx(sum(losses) / (3 + 1), abs=1e-4)


def test_telling_the_next_gist_is_learned_beside(fresh_backbone: Make) -> None:
    """With the second task a history's prefix becomes likely; the choice is learned as well."""
    losses = {}
    for weight in (0.0, 0.5):
        backbone = fresh_backbone()
        config = CONFIG.model_copy(update={"gist_weight": weight, "tasks": ROWS_ALONE})
        ranker = learned(backbone, faithful(100, 1), config, NO_IMAGES)
        assert auc(ranker, faithful(60, 2)) > 0.9
        row = prompter(backbone, config).row(Profile([0, 1, 2, 3], []), [4])
        packed = backbone.pack([row])
        with torch.no_grad():
            hidden = hidden_states(backbone, packed, NO_IMAGES)
            losses[weight] = prefix_loss(backbone, packed, hidden).item()
    assert losses[0.5] < 0.5 * losses[0.0]
