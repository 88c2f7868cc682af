"""What a backbone promises: saved and loaded it is the same; what cannot serve says so."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from gistrec.config.backbone import BackboneConfig, EmbeddedConfig
from gistrec.config.tuning import TuningConfig
from gistrec.errors import BackboneError
from gistrec.mllm.adapters import add_lora
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.embedded import make_model
from gistrec.mllm.loading import content_of, describe, load_backbone
from gistrec.mllm.prompts import ItemImage

_LLAMA = LlamaConfig(
    hidden_size=16,
    intermediate_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    vocab_size=600,
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
    (prepared,) = backbone.family.prepare([Image.new("RGB", (64, 64), "orange")])
    asked = backbone.question([ItemImage(0), "red sofa?"], lambda _: prepared.grid)
    pixels = prepared.inputs["pixel_values"][None]
    with torch.no_grad():
        answer = backbone.model(input_ids=torch.tensor([asked.ids]), pixel_values=pixels[None])
    return answer.logits


def test_a_saved_backbone_loads_as_it_was(tiny_backbone: Backbone, saved: Path) -> None:
    loaded = load_backbone(saved)
    assert torch.equal(logits(loaded), logits(tiny_backbone))
    frames = [(b.before, b.after, b.yes_ids, b.no_ids, b.end_ids) for b in (loaded, tiny_backbone)]
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
    with pytest.raises(BackboneError, match=r"'llama' is not supported; it must read images and"):
        load_backbone(tmp_path)


def test_another_family_is_refused_by_its_name(spoiled: Path) -> None:
    config = json.loads((spoiled / "config.json").read_text())
    (spoiled / "config.json").write_text(json.dumps(config | {"model_type": "kosmos-2"}))
    with pytest.raises(BackboneError, match=r"'kosmos-2' is not supported; .*: idefics3, smolvlm"):
        load_backbone(spoiled)


def test_a_template_that_takes_no_image_is_refused(spoiled: Path) -> None:
    (spoiled / "chat_template.jinja").write_text(
        "{% for message in messages %}{% for part in message['content'] %}"
        "{{ part['text'] }}{% endfor %}{% endfor %}"
    )
    with pytest.raises(BackboneError, match="does not write '<image>' for an image; it may be"):
        load_backbone(spoiled)


def test_a_model_without_chat_template_is_refused(spoiled: Path) -> None:
    (spoiled / "chat_template.jinja").unlink()
    with pytest.raises(BackboneError, match="no chat template; use an instruction-tuned model"):
        load_backbone(spoiled)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"there is no folder .*\. Name a folder made by"):
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
        "from gistrec.mllm.loading import content_of, describe, load_backbone\n"
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


class Hub(BaseHTTPRequestHandler):
    """A hub on this machine: what is asked of it is gated, absent, or lacks the revision."""

    def answer(self) -> None:
        code, status = ("RepoNotFound", 404) if "absent" in self.path else ("GatedRepo", 403)
        if "other" in self.path:
            code, status = "RevisionNotFound", 404
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "revision", "told"),
    [
        ("team/gated", None, "it is gated: accept its terms on its page, then `hf auth login`"),
        ("team/absent", None, "the hub has no such model, or it is private: check the id"),
        ("team/there", "other", "it has no such revision"),
    ],
)
def test_what_the_hub_refuses_comes_with_advice(
    name: str, revision: str | None, told: str, hub: str, tmp_path: Path
) -> None:
    script = (
        "import sys\n"
        "from gistrec.config.backbone import BackboneConfig\n"
        "from gistrec.errors import BackboneError\n"
        "from gistrec.mllm.loading import content_of, describe, load_backbone\n"
        "try: load_backbone(sys.argv[1], BackboneConfig(revision=sys.argv[2] or None))\n"
        "except BackboneError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, name, revision or ""],
        env=os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told in done.stdout, done.stdout + done.stderr


def options(**values: object) -> BackboneConfig:
    return BackboneConfig.model_validate(values)


def test_what_was_loaded_is_shown(saved: Path) -> None:
    half = load_backbone(saved, options(dtype="bfloat16", attention="eager", device="cpu"))
    assert "idefics3" in describe(half)
    assert "bfloat16 on cpu, attention eager" in describe(half)
    assert "float32 on cpu, attention sdpa" in describe(load_backbone(saved))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"device": "cuda"}, "backbone.device is 'cuda', which this machine .* has not"),
        ({"quantize": "int4"}, "backbone.quantize is 'int4', which needs"),
    ],
)
def test_what_this_machine_cannot_do_is_refused(
    wanted: dict[str, str], told: str, saved: Path
) -> None:
    with pytest.raises(BackboneError, match=told):
        load_backbone(saved, options(**wanted))


def test_images_that_always_take_more_than_allowed_are_refused(saved: Path) -> None:
    assert load_backbone(saved, options(max_image_tokens=4)).family.image_token_id >= 0
    with pytest.raises(BackboneError, match=r"max_image_tokens is 3, but .* takes at least 4"):
        load_backbone(saved, options(max_image_tokens=3))


def test_a_missing_adapter_is_named(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"adapter .* holds no adapter_config\.json"):
        load_backbone(saved, adapter=tmp_path)


def test_a_model_behind_a_folder_is_known_by_its_content(spoiled: Path) -> None:
    before = content_of(str(spoiled))
    assert content_of(str(spoiled)) == before
    weights = spoiled / "model.safetensors"
    weights.write_bytes(weights.read_bytes())
    os.utime(weights, ns=(1, 1))
    assert content_of(str(spoiled)) != before


def test_an_adapter_of_a_smaller_model_is_refused(spoiled: Path, tmp_path: Path) -> None:
    deep = load_backbone(spoiled)
    add_lora(deep, TuningConfig(), seed=0)
    deep.save(tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    held = load_file(file)
    save_file({name: held[name] for name in sorted(held)[2:]}, file)
    with pytest.raises(BackboneError, match="weights where this model takes"):
        load_backbone(spoiled, adapter=tmp_path / "adapter")


def test_a_damaged_adapter_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(BackboneError, match=r"its adapter_config\.json is damaged"):
        load_backbone(tmp_path)
