import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from gistrec.config.backbone import EmbeddedConfig
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.embedded import image_tokens, make_model, make_processor
from gistrec.mllm.scoring import yes_minus_no

SMALL = {"width": 32, "layers": 1, "vision_width": 32, "vision_layers": 1}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"heads": 3}, r"width \(32\) must be a multiple of 2 x heads \(3\)"),
        ({"vision_width": 36}, r"vision_width \(36\) must be a multiple of 2 x heads \(4\)"),
        ({"image_side": 60}, r"image_side / patch \(60 / 8\) must be a multiple of 4"),
        ({"image_side": 16}, r"image_side / patch \(16 / 8\) must be a multiple of 4"),
        ({"vocabulary": 300}, "greater than or equal to 600"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_at_once(wrong: dict[str, int], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        EmbeddedConfig.model_validate(SMALL | wrong)


@pytest.mark.parametrize(("side", "patch", "tokens"), [(32, 8, 1), (64, 8, 4), (48, 4, 9)])
def test_an_image_takes_as_many_tokens_as_there_are_features(
    side: int, patch: int, tokens: int, tiny_backbone: Backbone
) -> None:
    config = EmbeddedConfig.model_validate(SMALL | {"image_side": side, "patch": patch})
    tokenizer = tiny_backbone.processor.tokenizer
    backbone = make_backbone(make_model(tokenizer, config), make_processor(tokenizer, config))
    assert image_tokens(config) == tokens
    prepared = backbone.family.prepare([Image.new("RGB", (90, 50)), Image.new("RGB", (9, 9))])
    found = backbone.family.look(prepared)
    for one, features in zip(prepared, found, strict=True):
        ids = backbone.image_ids(one.grid)
        assert ids.count(backbone.model.config.image_token_id) == tokens
        assert features.shape == (1, tokens, 32)


def test_weights_are_decided_by_the_seed(tiny_backbone: Backbone) -> None:
    tokenizer = tiny_backbone.processor.tokenizer

    def weights(seed: int) -> torch.Tensor:
        config = EmbeddedConfig.model_validate(SMALL | {"seed": seed})
        return torch.cat([value.flatten() for value in make_model(tokenizer, config).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_the_default_is_of_about_a_million_parameters(tiny_backbone: Backbone) -> None:
    model = make_model(tiny_backbone.processor.tokenizer, EmbeddedConfig())
    assert 1e6 <= sum(value.numel() for value in model.parameters()) <= 8e6


def test_yes_minus_no_keeps_its_digits_under_autocast(tiny_backbone: Backbone) -> None:
    """In bfloat16, of eight bits, a thousand states would share a few hundred scores."""
    states = torch.randn(1000, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        scores = yes_minus_no(tiny_backbone, states)
    head = tiny_backbone.model.lm_head.weight.double()
    (yes,), (no,) = tiny_backbone.yes_ids, tiny_backbone.no_ids
    expected = states.double() @ (head[yes] - head[no])
    torch.testing.assert_close(scores.double(), expected, atol=1e-4, rtol=0)
    assert len(scores.unique()) > 990
