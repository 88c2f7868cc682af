"""What a backbone promises: saved and loaded it is the same; what cannot serve says so."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from gistrec.config.backbone import EmbeddedConfig
from gistrec.errors import BackboneError
from gistrec.mllm.backbone import Backbone, load_backbone, make_backbone
from gistrec.mllm.embedded import make_model
from gistrec.mllm.prompts import ItemImage

_LLAMA = LlamaConfig(
    hidden_size=16,
    intermediate_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    vocab_size=600,
)
_VISION = CLIPVisionConfig(
    hidden_size=16,
    intermediate_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    image_size=16,
    patch_size=8,
)


@pytest.fixture(scope="module")
def saved(tiny_backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backbones") / "saved"
    tiny_backbone.save(folder)
    return folder


@pytest.fixture
def spoiled(saved: Path, tmp_path: Path) -> Path:
    """A copy of a good backbone, to be spoiled."""
    return Path(shutil.copytree(saved, tmp_path / "spoiled"))


def logits(backbone: Backbone) -> torch.Tensor:
    asked = backbone.question([ItemImage(0), "red sofa?"])
    pixels = backbone.pixels([Image.new("RGB", (64, 64), "orange")])
    with torch.no_grad():
        answer = backbone.model(input_ids=torch.tensor([asked.ids]), pixel_values=pixels[None])
    return answer.logits


def test_a_saved_backbone_loads_as_it_was(tiny_backbone: Backbone, saved: Path) -> None:
    loaded = load_backbone(saved)
    assert torch.equal(logits(loaded), logits(tiny_backbone))
    frames = [(b.before, b.after, b.yes_ids, b.no_ids, b.end_id) for b in (loaded, tiny_backbone)]
    assert frames[0] == frames[1]
    assert not loaded.model.training


def test_half_precision_weights_load_in_float32(
    tiny_backbone: Backbone, tiny_config: EmbeddedConfig, tmp_path: Path
) -> None:
    half = make_model(tiny_backbone.processor.tokenizer, tiny_config).to(torch.bfloat16)
    make_backbone(half, tiny_backbone.processor).save(tmp_path / "half")
    loaded = load_backbone(tmp_path / "half")
    assert {value.dtype for value in loaded.model.parameters()} == {torch.float32}


def test_a_text_only_model_is_refused_by_its_family(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    LlamaForCausalLM(_LLAMA).save_pretrained(tmp_path)
    tiny_backbone.processor.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(BackboneError, match=r"'llama' is not supported; supported: idefics3"):
        load_backbone(tmp_path)


def test_another_family_is_refused_by_its_name(tiny_backbone: Backbone, tmp_path: Path) -> None:
    shape = LlavaConfig(
        vision_config=_VISION.to_dict(), text_config=_LLAMA.to_dict(), image_token_index=4
    )
    LlavaForConditionalGeneration(shape).save_pretrained(tmp_path)
    LlavaProcessor(
        CLIPImageProcessorPil(), tiny_backbone.processor.tokenizer, patch_size=8, chat_template="x"
    ).save_pretrained(tmp_path)
    with pytest.raises(BackboneError, match=r"'llava' is not supported; supported: idefics3"):
        load_backbone(tmp_path)


def test_a_model_without_chat_template_is_refused(spoiled: Path) -> None:
    (spoiled / "chat_template.jinja").unlink()
    with pytest.raises(BackboneError, match="no chat template; use an instruction-tuned model"):
        load_backbone(spoiled)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"there is no such folder\. Name a folder made by"):
        load_backbone(tmp_path / "nowhere")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"cannot be loaded: .* Name a folder made by"):
        load_backbone(tmp_path)


def test_no_weights(spoiled: Path) -> None:
    (spoiled / "model.safetensors").unlink()
    with pytest.raises(BackboneError, match=r"cannot be loaded: .*model\.safetensors"):
        load_backbone(spoiled)


@pytest.mark.parametrize("kept", [0, 7, 1000])
def test_weights_cut_short(spoiled: Path, kept: int) -> None:
    weights = spoiled / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(BackboneError, match="cannot be loaded"):
        load_backbone(spoiled)


def reshaped(folder: Path, **changed: int) -> Path:
    """``folder`` with a changed shape of its language model in config.json."""
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] |= changed
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_weights_of_another_shape(spoiled: Path) -> None:
    with pytest.raises(BackboneError, match="cannot be loaded"):
        load_backbone(reshaped(spoiled, hidden_size=64))


def test_missing_weights_are_never_made_up(spoiled: Path) -> None:
    """Of a third layer, which the file does not hold, random weights would be taken silently."""
    with pytest.raises(BackboneError, match=r"9 weights are missing, model\.text_model\.layers\.2"):
        load_backbone(reshaped(spoiled, num_hidden_layers=3))


def test_a_broken_configuration(spoiled: Path) -> None:
    (spoiled / "config.json").write_text("{not json")
    with pytest.raises(BackboneError, match="cannot be loaded"):
        load_backbone(spoiled)


def test_a_hub_id_without_network_fails_soon_and_clearly() -> None:
    """In a process of its own: whether there is a network is asked when the library loads."""
    names = ["HuggingFaceTB/SmolVLM-256M-Instruct", "a/b/c", "!", ""]
    script = (
        "import sys, time\n"
        "from gistrec.errors import BackboneError\n"
        "from gistrec.mllm.backbone import load_backbone\n"
        "for name in sys.argv[1:]:\n"
        "    start = time.monotonic()\n"
        "    try: load_backbone(name)\n"
        "    except BackboneError as error: print(time.monotonic() - start, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *names],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    for name, line in zip(names, done.stdout.splitlines(), strict=True):
        seconds, _, message = line.partition(" ")
        assert float(seconds) < 5
        assert message.startswith(f"backbone {name!r} cannot be loaded: ")
        assert message.endswith("a hub id (with network), or `embedded`.")
