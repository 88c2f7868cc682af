"""In every family a LoRA adapter trains the language alone, and the family itself can load it."""

from pathlib import Path

import pytest
import torch

from families import contracts
from families.pair import Pair, looked_at
from families.reference import Reference
from gistrec.config.backbone import BackboneConfig
from gistrec.config.tuning import TuningConfig
from gistrec.mllm.adapters import prepare_tuning, without_adapter
from gistrec.mllm.loading import load_backbone

TOLERANCE = 1e-4
WHOLE = contracts.PROMPTS["images in both"]


@pytest.fixture
def tuned(pair: Pair) -> Pair:
    """The family with a fresh adapter on gistrec's side."""
    backbone = load_backbone(pair.folder, BackboneConfig(device="cpu"))
    assert prepare_tuning(backbone, TuningConfig(kind="lora", rank=4, dropout=0.0)) == "lora"
    return Pair(pair.family, pair.folder, backbone, pair.reference, pair.pictures, pair.features)


def taught(tuned: Pair) -> Pair:
    """With an adapter that says something."""
    generator = torch.Generator().manual_seed(0)
    for value in tuned.backbone.model.parameters():
        if value.requires_grad:
            value.data.copy_(0.2 * torch.randn(value.shape, generator=generator))
    return tuned


def test_a_new_adapter_changes_nothing_and_trains_the_language_alone(tuned: Pair) -> None:
    assert contracts.logits_gap(tuned, WHOLE) < TOLERANCE
    model = tuned.backbone.model
    assert type(model) is tuned.family.model_class
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    language = {id(value) for value in tuned.backbone.language.parameters()}
    assert {id(model.get_parameter(name)) for name in trained} <= language
    assert not any(value.requires_grad for eye in tuned.backbone.eyes for value in eye.parameters())
    layers = {name.partition(".lora_")[0].rpartition(".")[2] for name in trained}
    feed_forward = {"gate_proj", "up_proj", "down_proj"}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj"} | feed_forward


def test_with_an_adapter_scores_and_gradients_are_the_familys_own(
    tuned: Pair, tmp_path: Path
) -> None:
    taught(tuned).backbone.save(tmp_path)
    theirs = Reference.load(tuned.family, tuned.folder)
    theirs.model.load_adapter(str(tmp_path), is_trainable=True)
    adapted = Pair(
        tuned.family, tuned.folder, tuned.backbone, theirs, tuned.pictures, tuned.features
    )
    assert contracts.logits_gap(tuned, WHOLE) > 100 * TOLERANCE
    assert contracts.logits_gap(adapted, WHOLE) < TOLERANCE
    assert contracts.gradient_gap(adapted, WHOLE) < 1e-4


def test_a_saved_adapter_loads_on_its_base(tuned: Pair, tmp_path: Path) -> None:
    taught(tuned).backbone.save(tmp_path)
    assert (tmp_path / "adapter_config.json").exists()
    assert not (tmp_path / "model.safetensors").exists()
    again = load_backbone(tmp_path, BackboneConfig(device="cpu"))
    before = dict(tuned.backbone.model.named_parameters())
    after = dict(again.model.named_parameters())
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(after[name], value), name
    looked = looked_at(again, tuned.pictures)
    assert torch.equal(looked.parts[0], tuned.features.parts[0])


def test_switched_off_the_model_is_as_before(tuned: Pair) -> None:
    with without_adapter(taught(tuned).backbone):
        assert contracts.logits_gap(tuned, WHOLE) < TOLERANCE
    assert contracts.logits_gap(tuned, WHOLE) > 100 * TOLERANCE
