from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gistrec.errors import DataError
from gistrec.mllm import images
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.images import image_features
from gistrec.mllm.vision.features import ImageFeatures

DEVICE = torch.device("cpu")


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_features_are_the_same_in_any_batch(
    batch: int, tiny_backbone: Backbone, pictures: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [image_features(tiny_backbone, 1, lambda _, data=data: data) for data in pictures]
    monkeypatch.setattr(images, "_BATCH", batch)
    together = image_features(tiny_backbone, len(pictures), lambda code: pictures[code])
    for code, single in enumerate(alone):
        found, expected = together.of([code], DEVICE), single.of([0], DEVICE)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    gaps = torch.cdist(together.table.flatten(1), together.table.flatten(1))
    assert gaps[~torch.eye(len(pictures), dtype=torch.bool)].min() > 1e-2


def test_items_without_image_have_none(tiny_backbone: Backbone, pictures: list[bytes]) -> None:
    held = {1: pictures[0], 3: pictures[1]}
    features = image_features(tiny_backbone, 5, held.get)
    assert [code in features for code in range(5)] == [False, True, False, True, False]
    both = features.of([3, 1, 3], DEVICE)
    assert both is not None
    assert torch.equal(both[:, :4], features.of([3], DEVICE))
    assert features.of([], DEVICE) is None


def test_a_catalogue_without_images(tiny_backbone: Backbone, tmp_path: Path) -> None:
    features = image_features(tiny_backbone, 3, lambda code: None)
    features.save(tmp_path / "images.safetensors")
    assert not any(code in ImageFeatures.load(tmp_path / "images.safetensors") for code in range(3))


def test_saved_features_load_as_they_were(
    tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path
) -> None:
    features = image_features(tiny_backbone, 2, lambda code: pictures[code])
    features.save(tmp_path / "images.safetensors")
    loaded = ImageFeatures.load(tmp_path / "images.safetensors")
    assert np.array_equal(loaded.rows, features.rows)
    assert torch.equal(loaded.table, features.table)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (64, 64)])
def test_any_kind_of_image_is_looked_at(
    mode: str, size: tuple[int, int], tiny_backbone: Backbone
) -> None:
    stream = BytesIO()
    Image.new(mode, size).save(stream, "TIFF")
    features = image_features(tiny_backbone, 1, lambda _: stream.getvalue())
    assert features.table.shape == (1, 4, 32)
    assert features.table.isfinite().all()


@pytest.mark.parametrize("spoil", [lambda data: b"", lambda data: b"no", lambda data: data[:-40]])
def test_an_image_that_cannot_be_decoded_is_named(
    spoil: object, tiny_backbone: Backbone, pictures: list[bytes]
) -> None:
    held = [*pictures[:2], spoil(pictures[2])]  # type: ignore[operator]
    with pytest.raises(DataError, match=r"item in row 2 of the catalogue cannot be decoded"):
        image_features(tiny_backbone, 3, lambda code: held[code])
