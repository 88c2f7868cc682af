from collections.abc import Callable

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
