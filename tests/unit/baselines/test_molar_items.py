"""The tiny backbone as an encoder of items: the same in any batch, tuned, resumable."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from molar_cases import small, walks

from gistrec.baselines.molar import tuning
from gistrec.baselines.molar.items import ItemContent, ItemEncoder
from gistrec.baselines.molar.tuning import tuned_items
from gistrec.config.molar import MolarConfig
from gistrec.errors import RunError
from gistrec.mllm.adapters import has_adapter
from gistrec.mllm.prompts import Nouns
from gistrec.mllm.vision.features import ImageFeatures

if TYPE_CHECKING:
    from gistrec.mllm.backbone import Backbone

N_ITEMS = 12
NOUNS = Nouns("item", "bought")
COLOURS, THINGS = ("red", "blue", "green"), ("sofa", "lamp", "chair")


def catalogue(width: int) -> ItemContent:
    """Every second item has an image, all but the last have words, some have many."""
    made = torch.Generator().manual_seed(3)
    images = {
        code: ((2, 2), torch.randn(1, 4, width, generator=made)) for code in range(0, N_ITEMS, 2)
    }
    titles = [f"{COLOURS[code % 3]} {THINGS[code // 3 % 3]}" for code in range(N_ITEMS)]
    texts = ["plain dotted " * code for code in range(N_ITEMS)]
    titles[-1], texts[-1] = "", ""
    return ItemContent(NOUNS, titles, texts, ImageFeatures.held(N_ITEMS, images))


def content_for(backbone: "Backbone") -> ItemContent:
    return catalogue(backbone.model.get_input_embeddings().weight.shape[1])


def few(**settings: object) -> MolarConfig:
    items = {"epochs": 2, "max_windows": 24, "length": 5, "learning_rate": 3e-3}
    return small(items=items | settings)


def test_a_vector_is_the_same_in_any_batch_and_order(tiny_backbone: "Backbone") -> None:
    encoder = ItemEncoder(tiny_backbone, content_for(tiny_backbone), 40).eval()
    together = encoder.vectors(range(N_ITEMS))
    turned = encoder.vectors(range(N_ITEMS)[::-1])
    torch.testing.assert_close(turned.flip(0), together, atol=1e-4, rtol=1e-4)
    for code in (0, 5, N_ITEMS - 1):
        alone = encoder.vectors([code])
        torch.testing.assert_close(alone[0], together[code], atol=1e-4, rtol=1e-4)
    assert together.std(dim=0).max() > 1e-2


def test_image_and_words_both_count_and_the_learned_token_is_read(
    tiny_backbone: "Backbone",
) -> None:
    encoder = ItemEncoder(tiny_backbone, content_for(tiny_backbone), 40).eval()
    with torch.no_grad():
        whole, image, words = encoder([2]), encoder([2], "image"), encoder([2], "words")
        assert not torch.allclose(whole, image, atol=1e-3)
        assert not torch.allclose(whole, words, atol=1e-3)
        encoder.token.add_(1.0)
        assert not torch.allclose(encoder([2]), whole, atol=1e-3)


def test_a_long_text_is_cut_and_an_item_of_nothing_has_a_prompt(tiny_backbone: "Backbone") -> None:
    content = content_for(tiny_backbone)
    short = ItemEncoder(tiny_backbone, content, 24)
    long = ItemEncoder(tiny_backbone, content, 400)
    assert len(short.tokens(9).ids) < len(long.tokens(9).ids)
    assert short.tokens(N_ITEMS - 1).ids == long.tokens(N_ITEMS - 1).ids
    assert content.has_both(2)
    assert not content.has_both(3)


def test_gradients_reach_the_token_and_the_model_but_not_its_eyes(
    fresh_backbone: "Callable[[], Backbone]",
) -> None:
    backbone = fresh_backbone()
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    found = tuned_items(
        backbone, content_for(backbone), walks(N_ITEMS, True, 40, 1), few(), None, "k"
    )
    assert found.kind == "full"
    assert found.parameters > 0
    assert found.vectors.shape == (N_ITEMS, backbone.model.get_input_embeddings().embedding_dim)
    np.testing.assert_allclose(found.vectors.mean(dim=0).numpy(), 0.0, atol=1e-4)
    after = backbone.model.state_dict()
    seeing = {name for name in before if "vision" in name or "connector" in name}
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed
    assert seeing
    assert not changed & seeing


def test_an_adapter_is_trained_where_one_is_asked_for(
    fresh_backbone: "Callable[[], Backbone]",
) -> None:
    backbone = fresh_backbone()
    config = few(epochs=1, max_windows=8, tuning={"kind": "lora", "rank": 2, "alpha": 4})
    log = walks(N_ITEMS, True, 40, 1)
    found = tuned_items(backbone, content_for(backbone), log, config, None, "k")
    assert found.kind == "lora"
    assert has_adapter(backbone)
    assert found.parameters < sum(value.numel() for value in backbone.model.parameters()) / 10


def test_without_rounds_the_backbone_stays_as_it_is(tiny_backbone: "Backbone") -> None:
    log = walks(N_ITEMS, True, 40, 1)
    content = content_for(tiny_backbone)
    found = tuned_items(tiny_backbone, content, log, few(epochs=0), None, "k")
    assert (found.kind, found.parameters, found.trained.epochs) == ("none", 0, 0)
    plain = ItemEncoder(tiny_backbone, content, 200).vectors(range(N_ITEMS))
    expected = (plain - plain.mean(dim=0)) / plain.std(dim=0, correction=0)
    torch.testing.assert_close(found.vectors, expected, atol=1e-3, rtol=1e-3)


def test_resumed_tuning_ends_with_the_same_vectors(
    fresh_backbone: "Callable[[], Backbone]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, config = walks(N_ITEMS, True, 40, 1), few()

    def tuned(checkpoint: Path | None, key: str = "k") -> torch.Tensor:
        backbone = fresh_backbone()
        return tuned_items(backbone, content_for(backbone), log, config, checkpoint, key).vectors

    whole = tuned(None)
    original, steps = tuning.next_item_nce, 0

    def killed(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 5:  # three steps a round
            raise KeyboardInterrupt
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "next_item_nce", killed)
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path / "checkpoint")
    monkeypatch.setattr(tuning, "next_item_nce", original)
    torch.testing.assert_close(tuned(tmp_path / "checkpoint"), whole, atol=0, rtol=0)
    with pytest.raises(RunError, match="belongs to another training"):
        tuned(tmp_path / "checkpoint", "other")
