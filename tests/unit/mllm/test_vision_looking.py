from collections.abc import Callable
from io import BytesIO

import pytest
import torch
from PIL import Image

from gistrec.errors import DataError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.vision import looking
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.mllm.vision.looking import image_features, look

DEVICE = torch.device("cpu")


def alone(backbone: Backbone, data: bytes) -> torch.Tensor:
    features = image_features(backbone, 1, lambda _: data).of([0], DEVICE)
    assert features is not None
    return features


@pytest.mark.parametrize("window", [1, 2, 5, 64])
def test_features_are_the_same_in_any_window(
    window: int, tiny_backbone: Backbone, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = [alone(tiny_backbone, data) for data in pictures]
    monkeypatch.setattr(looking, "_WINDOW", window)
    together = image_features(tiny_backbone, len(pictures), lambda code: pictures[code])
    for code, single in enumerate(apart):
        torch.testing.assert_close(together.of([code], DEVICE), single, atol=1e-5, rtol=0)
    flat = torch.stack(apart).flatten(1)
    gaps = torch.cdist(flat, flat)
    assert gaps[~torch.eye(len(pictures), dtype=torch.bool)].min() > 1e-2


def test_a_large_image_runs_alone(
    tiny_backbone: Backbone, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    run = type(tiny_backbone.family).look

    def counted(family: object, prepared: list[object]) -> list[torch.Tensor]:
        sizes.append(len(prepared))
        return run(family, prepared)  # type: ignore[arg-type]

    monkeypatch.setattr(type(tiny_backbone.family), "look", counted)
    monkeypatch.setattr(looking, "_MOST_VALUES", 2 * 3 * 64 * 64)
    list(look(tiny_backbone, range(5), pictures.__getitem__))
    assert sizes == [2, 2, 1]


def test_items_without_image_have_none(tiny_backbone: Backbone, pictures: list[bytes]) -> None:
    held = {1: pictures[0], 3: pictures[1]}
    features = image_features(tiny_backbone, 5, held.get)
    assert [code in features for code in range(5)] == [False, True, False, True, False]
    both = features.of([3, 1, 3], DEVICE)
    assert both is not None
    expected = [alone(tiny_backbone, data) for data in (pictures[1], pictures[0], pictures[1])]
    torch.testing.assert_close(both, torch.cat(expected, dim=1), atol=1e-5, rtol=0)
    assert features.of([], DEVICE) is None


def test_items_that_show_one_image_share_its_features(
    tiny_backbone: Backbone, pictures: list[bytes]
) -> None:
    features = image_features(tiny_backbone, 3, lambda code: pictures[code % 2])
    assert torch.equal(features.of([0], DEVICE), features.of([2], DEVICE))  # type: ignore[arg-type]
    assert not torch.equal(features.of([0], DEVICE), features.of([1], DEVICE))  # type: ignore[arg-type]


def test_a_catalogue_without_images(tiny_backbone: Backbone) -> None:
    features = image_features(tiny_backbone, 3, lambda code: None)
    assert not any(code in features for code in range(3))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (64, 64)])
def test_any_kind_of_image_is_looked_at(
    mode: str, size: tuple[int, int], tiny_backbone: Backbone
) -> None:
    stream = BytesIO()
    Image.new(mode, size).save(stream, "TIFF")
    features = alone(tiny_backbone, stream.getvalue())
    assert features.shape == (1, 4, 32)
    assert features.isfinite().all()


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: b"no", lambda data: data[:-40]])
def test_an_image_that_cannot_be_decoded_is_named(
    spoil: Callable[[bytes], bytes], tiny_backbone: Backbone, pictures: list[bytes]
) -> None:
    held = [*pictures[:2], spoil(pictures[2])]
    with pytest.raises(DataError, match=r"item in row 2 of the catalogue cannot be decoded"):
        image_features(tiny_backbone, 3, lambda code: held[code])


def test_an_image_that_the_processor_refuses_is_named(
    tiny_backbone: Backbone, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    family = type(tiny_backbone.family)
    prepare = family.prepare

    def picky(self: object, images: list[Image.Image]) -> object:
        if any(image.height == 58 for image in images):
            raise ValueError("too tall")
        return prepare(self, images)  # type: ignore[arg-type]

    monkeypatch.setattr(family, "prepare", picky)
    with pytest.raises(DataError, match=r"row 2 of the catalogue, 64 x 58 pixels.*too tall"):
        image_features(tiny_backbone, 6, lambda code: pictures[code])


def test_dropout_is_off_while_looking_and_on_again_after(
    fresh_backbone: Callable[[], Backbone], pictures: list[bytes]
) -> None:
    backbone = fresh_backbone()
    expected = alone(backbone, pictures[0])
    backbone.model.train()
    for part in backbone.eyes[0].modules():
        if hasattr(part, "dropout") and isinstance(part.dropout, float):
            part.dropout = 0.5
    assert torch.equal(alone(backbone, pictures[0]), expected)
    assert all(part.training for eye in backbone.eyes for part in eye.modules())


def test_none_is_a_catalogue_without_images() -> None:
    assert ImageFeatures.none(0).count == ImageFeatures.none(3).count == 0
