from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from families.registry import TINY
from gistrec.config.backbone import BackboneConfig
from gistrec.config.tuning import TuningConfig
from gistrec.errors import ConfigError
from gistrec.mllm.adapters import (
    add_lora,
    has_adapter,
    is_adapter,
    prepare_tuning,
    trainable_parameters,
    without_adapter,
)
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.loading import load_backbone
from gistrec.mllm.training import Course, Lessons, train

Make = Callable[[], Backbone]
LORA = TuningConfig(kind="lora", rank=4, dropout=0.2)
COURSE = Course(epochs=2, learning_rate=0.01, accumulation=2, checkpoint_seconds=0.0)
TAUGHT = ("red sofa", "blue lamp", "green chair", "dotted item", "plain user")


def states(backbone: Backbone, text: str = "red sofa or blue lamp") -> torch.Tensor:
    """Logits after a question."""
    ids = torch.tensor([backbone.question([text]).ids])
    with torch.no_grad():
        return backbone.model.eval()(input_ids=ids).logits


def names(backbone: Backbone) -> set[str]:
    """Of what would be trained."""
    return {name for name, value in backbone.model.named_parameters() if value.requires_grad}


def weights(backbone: Backbone) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in backbone.model.state_dict().items()}


def taught(
    backbone: Backbone,
    checkpoint: Path | None = None,
    stop_at: int | None = None,
    course: Course = COURSE,
) -> Backbone:
    """Learn to say yes, a question at a time; interrupted when a loss is asked for the nth time."""
    rows = [Lesson(backbone.question([text]), backbone.answer("yes")) for text in TAUGHT]
    asked = 0

    def loss(row: Lesson) -> torch.Tensor:
        nonlocal asked
        asked += 1
        if asked - 1 == stop_at:
            raise KeyboardInterrupt
        return lesson_loss(backbone, [row], None)

    train(backbone.model, Lessons("yes", lambda _: rows, loss), course, checkpoint, "k")
    return backbone


@pytest.mark.parametrize("family", TINY)
def test_only_the_language_model_of_a_family_is_adapted(family: str) -> None:
    tiny = TINY[family]
    tokenizer = tiny.tokenizer()
    processor = tiny.make_processor(tiny.image_processor(), tokenizer, tiny.template)
    backbone = make_backbone(tiny.model(tokenizer), processor)
    before = states(backbone)
    assert prepare_tuning(backbone, TuningConfig()) == "lora"
    inside = {id(value) for value in backbone.language.parameters()}
    trained = [value for value in backbone.model.parameters() if value.requires_grad]
    layers = backbone.model.config.get_text_config().num_hidden_layers
    assert len(trained) == layers * 7 * 2  # seven projections, two matrices each
    assert all(id(value) in inside for value in trained)
    assert all(name.split(".")[-2] == "default" for name in names(backbone))
    assert torch.equal(states(backbone), before)  # a new adapter changes nothing
    assert type(backbone.model) is tiny.model_class


def test_the_number_of_trained_parameters_is_the_rank_times_the_sides(fresh_backbone: Make) -> None:
    backbone = fresh_backbone()
    sizes = {
        id(part): sum(part.weight.shape)
        for name, part in backbone.language.named_modules()
        if name.endswith(("q_proj", "down_proj"))
    }
    add_lora(backbone, TuningConfig(rank=3, targets=("q_proj", "down_proj")))
    assert trainable_parameters(backbone.model) == 3 * sum(sizes.values())


@pytest.mark.parametrize("kind", ["auto", "full"])
def test_the_embedded_backbone_is_trained_whole_but_for_its_eyes(
    kind: str, fresh_backbone: Make
) -> None:
    backbone = fresh_backbone()
    assert prepare_tuning(backbone, TuningConfig(kind=kind)) == "full"
    seen = {id(value) for part in backbone.eyes for value in part.parameters()}
    for value in backbone.model.parameters():
        assert value.requires_grad == (id(value) not in seen)


def test_the_embedded_backbone_is_known_after_it_was_saved(
    fresh_backbone: Make, tmp_path: Path
) -> None:
    fresh_backbone().save(tmp_path / "m")
    assert prepare_tuning(load_backbone(tmp_path / "m"), TuningConfig()) == "full"


def test_weights_of_16_bits_are_trained_in_32(fresh_backbone: Make) -> None:
    backbone = fresh_backbone()
    backbone.model.bfloat16()
    prepare_tuning(backbone, TuningConfig(kind="full"))
    for value in backbone.model.parameters():
        assert value.dtype == (torch.float32 if value.requires_grad else torch.bfloat16)
    head, words = backbone.model.get_output_embeddings(), backbone.model.get_input_embeddings()
    assert head.weight is words.weight


def test_training_an_adapter_moves_it_and_nothing_else(fresh_backbone: Make) -> None:
    backbone = fresh_backbone()
    prepare_tuning(backbone, LORA)
    before, said = weights(backbone), states(backbone)
    taught(backbone)
    changed = {name for name, value in weights(backbone).items() if not value.equal(before[name])}
    assert changed == names(backbone)
    assert not torch.equal(states(backbone), said)


def test_an_interrupted_lora_ends_as_an_uninterrupted_one(
    fresh_backbone: Make, tmp_path: Path
) -> None:
    """Dropout and accumulation on; in the middle of an epoch, and again."""

    def begun() -> Backbone:
        backbone = fresh_backbone()
        prepare_tuning(backbone, LORA, seed=3)
        return backbone

    whole = weights(taught(begun()))
    for stop in (3, 4):
        with pytest.raises(KeyboardInterrupt):
            taught(begun(), tmp_path / "c", stop)
    resumed = weights(taught(begun(), tmp_path / "c"))
    assert all(torch.equal(value, whole[name]) for name, value in resumed.items())


def test_an_adapter_is_decided_by_its_seed_and_leaves_other_draws_alone(
    fresh_backbone: Make,
) -> None:
    def made(seed: int) -> dict[str, torch.Tensor]:
        backbone = fresh_backbone()
        add_lora(backbone, LORA, seed)
        return weights(backbone)

    torch.manual_seed(5)
    one = made(1)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    again, other = made(1), made(2)
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    assert not all(torch.equal(value, other[name]) for name, value in one.items())


def test_without_its_adapter_a_model_is_what_it_was(fresh_backbone: Make) -> None:
    backbone = fresh_backbone()
    before = states(backbone)
    prepare_tuning(backbone, LORA)
    taught(backbone)
    tuned, trained = states(backbone), names(backbone)
    with without_adapter(backbone):
        assert torch.equal(states(backbone), before)
        with without_adapter(backbone):
            assert torch.equal(states(backbone), before)
        assert torch.equal(states(backbone), before)
        assert not names(backbone)
    assert torch.equal(states(backbone), tuned)
    assert names(backbone) == trained
    with pytest.raises(RuntimeError, match="amiss"), without_adapter(backbone):
        raise RuntimeError("amiss")
    assert torch.equal(states(backbone), tuned)


def test_a_frozen_adapter_stays_frozen_when_it_was_off(fresh_backbone: Make) -> None:
    backbone = fresh_backbone()
    add_lora(backbone, LORA)
    backbone.model.requires_grad_(False)
    with without_adapter(backbone):
        pass
    assert not names(backbone)


def test_a_model_without_an_adapter_has_none_to_switch_off(tiny_backbone: Backbone) -> None:
    with pytest.raises(ValueError, match="no adapter"), without_adapter(tiny_backbone):
        pass


def test_only_the_adapter_is_saved_and_goes_back_on_its_base(
    fresh_backbone: Make, tmp_path: Path
) -> None:
    base, saved = tmp_path / "base", tmp_path / "tuned"
    fresh_backbone().save(base)
    backbone = load_backbone(base)
    assert prepare_tuning(backbone, LORA) == "lora"
    taught(backbone)
    backbone.save(saved)
    assert is_adapter(saved)
    assert not is_adapter(base)
    assert not (saved / "model.safetensors").exists()
    opened = load_backbone(base, adapter=saved)
    assert has_adapter(opened)
    torch.testing.assert_close(states(opened), states(backbone))
    # It may be trained on, under its own rank.
    assert prepare_tuning(opened, TuningConfig()) == "lora"
    assert names(opened) == names(backbone)


def test_an_adapter_given_with_the_backbone_is_not_trained_whole(
    fresh_backbone: Make, tmp_path: Path
) -> None:
    base, saved = tmp_path / "base", tmp_path / "tuned"
    fresh_backbone().save(base)
    backbone = load_backbone(base)
    add_lora(backbone, LORA)
    backbone.save(saved)
    opened = load_backbone(base, BackboneConfig(adapter=str(saved)))
    with pytest.raises(ConfigError, match=r"tuning\.kind=lora"):
        prepare_tuning(opened, TuningConfig(kind="full"))


@pytest.mark.parametrize("targets", [("q_proj", "c_attn"), ("patch_embedding",)])
def test_targets_that_are_not_there_are_named_with_those_that_are(
    targets: tuple[str, ...], fresh_backbone: Make
) -> None:
    config = TuningConfig(kind="lora", targets=targets)
    with pytest.raises(ConfigError, match=rf"named {targets[-1]}: .*down_proj, gate_proj, k_proj"):
        prepare_tuning(fresh_backbone(), config)


def test_an_adapter_on_sixteen_bits_is_trained_in_thirty_two(
    fresh_backbone: Callable[[], Backbone],
) -> None:
    backbone = fresh_backbone()
    backbone.model.to(torch.bfloat16)
    add_lora(backbone, TuningConfig(), seed=0)
    trained = {value.dtype for value in backbone.model.parameters() if value.requires_grad}
    assert trained == {torch.float32}
