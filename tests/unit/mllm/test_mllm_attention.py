import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gistrec.errors import BackboneError
from gistrec.mllm.attention import fastest_kernel, use_kernel
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.scoring import score_rows
from gistrec.mllm.vision.features import ImageFeatures


def test_every_kernel_scores_alike(fresh_backbone: Callable[[], Backbone]) -> None:
    backbone = fresh_backbone()
    row = Row(
        Tokens(backbone.before) + backbone.tokens(["a user chose red sofa"]),
        tuple(backbone.tokens([word]) + Tokens(backbone.after) for word in ("blue lamp", "chair")),
    )
    nothing = ImageFeatures.none(0)
    (plain,) = score_rows(backbone, [row], nothing)
    use_kernel(backbone, "eager")
    (written,) = score_rows(backbone, [row], nothing)
    torch.testing.assert_close(written, plain, atol=1e-4, rtol=0)
    assert backbone.language.config._attn_implementation == "eager"


def test_the_fastest_kernel_is_measured_and_the_model_left_as_it_was(
    fresh_backbone: Callable[[], Backbone], capsys: pytest.CaptureFixture[str]
) -> None:
    backbone = fresh_backbone()
    assert fastest_kernel(backbone, ("sdpa", "eager")) in ("sdpa", "eager")
    assert backbone.language.config._attn_implementation == "sdpa"
    told = capsys.readouterr().err
    assert "sdpa" in told
    assert "eager" in told


def test_without_a_kernel_that_runs_the_person_is_told(
    fresh_backbone: Callable[[], Backbone],
) -> None:
    with pytest.raises(BackboneError, match="no attention kernel runs this backbone"):
        fastest_kernel(fresh_backbone(), ())


def test_flex_attention_scores_alike_uncompiled(tiny_backbone: Backbone, tmp_path: Path) -> None:
    """Compiled it needs CUDA; written out it runs the same block masks here, in its own process."""
    tiny_backbone.save(tmp_path)
    script = (
        "import sys, torch\n"
        "from gistrec.mllm.loading import load_backbone\n"
        "from gistrec.mllm.packing import Row, Tokens\n"
        "from gistrec.mllm.scoring import score_rows\n"
        "from gistrec.mllm.vision.features import ImageFeatures\n"
        "backbone = load_backbone(sys.argv[1])\n"
        "after = Tokens(backbone.after)\n"
        "branches = tuple(backbone.tokens([w]) + after for w in ('blue lamp', 'chair', 'red x7'))\n"
        "rows = [Row(backbone.tokens(['user chose red sofa '] * n), branches) for n in (3, 90)]\n"
        "plain = score_rows(backbone, rows, ImageFeatures.none(0), chunk_tokens=12)\n"
        "backbone.language.set_attn_implementation('flex_attention')\n"
        "found = score_rows(backbone, rows, ImageFeatures.none(0), chunk_tokens=12)\n"
        "print(max((a - b).abs().max().item() for a, b in zip(plain, found)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path)],
        env=os.environ | {"TORCHDYNAMO_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout.split()[-1]) < 1e-4
