from pathlib import Path

import pytest
import torch

from gistrec.bench.models import NAMES, ModelOptions, bench_backbone, random_backbone
from gistrec.bench.record import About
from gistrec.bench.workload import look_at_pictures
from gistrec.errors import BackboneError
from gistrec.mllm.backbone import Backbone


@pytest.mark.parametrize(
    ("name", "millions", "tokens"), [("smolvlm-256m", 256.5, 64), ("qwen2.5-vl-7b", 8292.2, 64)]
)
def test_published_sizes_are_the_real_ones(name: str, millions: float, tokens: int) -> None:
    backbone = random_backbone(name, torch.device("meta"), torch.bfloat16)
    count = sum(value.numel() for value in backbone.model.parameters())
    assert round(count / 1e6, 1) == millions
    side = int(tokens**0.5)
    image = backbone.family.image_token_id
    assert backbone.image_ids((side, side)).count(image) == tokens
    assert backbone.yes_ids
    assert backbone.no_ids


def test_the_embedded_one_has_its_default_sizes() -> None:
    backbone = bench_backbone("embedded", ModelOptions(device="cpu"))
    about = About.of("embedded", backbone)
    assert len(backbone.processor.tokenizer) == 4000
    assert 1e6 < about.parameters < 8e6
    assert (about.dtype, about.attention) == ("float32", "sdpa")
    assert about.device.endswith("threads")
    assert look_at_pictures(backbone).prepared[0].grid == (2, 2)


def test_dtype_and_kernel_are_those_asked_for() -> None:
    options = ModelOptions(dtype="bfloat16", device="cpu", attention="eager")
    about = About.of("embedded", bench_backbone("embedded", options))
    assert (about.dtype, about.attention) == ("bfloat16", "eager")


def test_a_folder_is_loaded(tiny_backbone: Backbone, tmp_path: Path) -> None:
    tiny_backbone.save(tmp_path)
    found = bench_backbone(str(tmp_path), ModelOptions(device="cpu"))
    assert About.of("x", found).parameters == About.of("x", tiny_backbone).parameters


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(BackboneError, match=f"name one of {', '.join(NAMES)}"):
        bench_backbone("smolvlm", ModelOptions())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(BackboneError, match="no cuda"):
        bench_backbone("embedded", ModelOptions(device="cuda"))


def test_a_model_that_does_not_fit_is_refused_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gistrec.bench.models.free_mib", lambda _: 1024.0)
    with pytest.raises(BackboneError, match=r"takes 30\.9 GiB in float32.* has 1\.0 GiB free"):
        random_backbone("qwen2.5-vl-7b", torch.device("cpu"), torch.float32)
