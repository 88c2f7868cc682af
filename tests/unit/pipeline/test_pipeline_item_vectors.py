import numpy as np
import polars as pl
import torch

from gistrec.mllm.vision.features import ImageFeatures
from gistrec.pipeline.item_vectors import category_vectors, image_vectors


def test_an_image_is_the_mean_of_its_tokens_less_what_all_have_in_common() -> None:
    first = torch.tensor([[[1.0, 5.0], [3.0, 5.0]]])  # means (2, 5), (0, 5) and (4, 5)
    second = torch.tensor([[[0.0, 5.0]]])
    third = torch.tensor([[[4.0, 4.0], [4.0, 6.0]]])
    held = {0: ((1, 2), first), 2: ((1, 1), second), 3: ((2, 1), third)}
    vectors = image_vectors(ImageFeatures.held(4, held))
    np.testing.assert_allclose(vectors, [[0, 0], [0, 0], [-1, 0], [1, 0]], atol=1e-6)


def test_half_precision_and_layers_give_float32() -> None:
    layers = torch.tensor([[[1.0, 0.0]], [[3.0, 0.0]]], dtype=torch.bfloat16)
    vectors = image_vectors(ImageFeatures.held(1, {0: ((1, 1), layers)}))
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [[1, 0]])


def test_without_images_there_are_no_vectors() -> None:
    vectors = image_vectors(ImageFeatures.none(3))
    assert len(vectors) == 3
    assert not vectors.any()


def test_categories_are_one_a_row_or_a_list() -> None:
    items = pl.DataFrame({"item_id": ["a", "b", "c"], "category": ["toys", None, "art"]})
    assert category_vectors(items).tolist() == [[0, 1], [0, 0], [1, 0]]
    listed = items.with_columns(category=pl.Series([["toys", "art"], [], ["toys", None]]))
    assert category_vectors(listed).tolist() == [[1, 1], [0, 0], [0, 1]]
    assert category_vectors(items.drop("category")).shape == (3, 0)
