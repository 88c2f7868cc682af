import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gistrec.mllm.families.family import Grid
from gistrec.mllm.vision.features import ImageFeatures

DEVICE = torch.device("cpu")
GRIDS = st.tuples(st.integers(1, 3), st.integers(1, 4))


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[int, dict[int, tuple[Grid, torch.Tensor]]]:
    """Some items of a catalogue with images of one size or of many."""
    n_items, levels = draw(st.integers(1, 8)), draw(st.sampled_from([1, 3]))
    alike = draw(st.one_of(st.none(), GRIDS))
    dtype = draw(st.sampled_from([torch.float32, torch.bfloat16]))
    noise = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    images = {}
    for code in draw(st.permutations(range(n_items)))[: draw(st.integers(1, n_items))]:
        rows, columns = alike or draw(GRIDS)
        found = torch.randn(levels, rows * columns, 5, generator=noise).to(dtype)
        images[code] = ((rows, columns), found)
    return n_items, images


def cut(features: ImageFeatures, at: int) -> ImageFeatures:
    """The same with the images whose first token stands behind ``at`` in a table of their own."""
    starts = features.start[features.part >= 0]
    edge = int(starts[starts >= at].min(initial=len(features.parts[0])))
    behind = features.start >= edge
    return ImageFeatures(
        (features.parts[0][:edge], features.parts[0][edge:]),
        np.where(features.part < 0, -1, behind.astype(np.int64)),
        np.where(behind, features.start - edge, features.start),
        features.grids,
    )


@given(catalogue=catalogues(), data=st.data())
def test_any_items_in_any_order_get_their_own_features(
    catalogue: tuple[int, dict[int, tuple[Grid, torch.Tensor]]], data: st.DataObject
) -> None:
    n_items, images = catalogue
    held = ImageFeatures.held(n_items, images)
    pieces = cut(held, data.draw(st.integers(0, len(held.parts[0]))))
    codes = data.draw(st.lists(st.sampled_from(sorted(images)), min_size=1, max_size=12))
    expected = torch.cat([images[code][1] for code in codes], dim=1)
    for features in (held, pieces, held.gathered(), pieces.gathered()):
        found = features.of(codes, DEVICE)
        assert found is not None
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected)
        assert [features.grid(code) for code in images] == [grid for grid, _ in images.values()]
        assert [code in features for code in range(n_items)] == [
            code in images for code in range(n_items)
        ]
        assert features.count == len(images)
        assert features.nbytes == sum(found.nbytes for _, found in images.values())


def test_an_image_that_two_items_show_is_gathered_once() -> None:
    table = torch.arange(24.0).view(12, 1, 2)
    shared = ImageFeatures(
        (table,), np.array([0, 0, -1, 0]), np.array([8, 4, 0, 8]), np.array([[2, 2]] * 4)
    )
    gathered = shared.gathered()
    assert torch.equal(gathered.parts[0], table[4:])
    assert torch.equal(gathered.of([0, 1, 3], DEVICE), shared.of([0, 1, 3], DEVICE))  # type: ignore[arg-type]
    assert gathered.nbytes == shared.nbytes == 2 * 4 * 2 * 4


@pytest.mark.parametrize("others", [[(1, 1)], [(1, 1), (2, 1)]])
def test_an_item_without_image_is_named(others: list[Grid]) -> None:
    images = {code: (grid, torch.ones(1, grid[0] * grid[1], 3)) for code, grid in enumerate(others)}
    features = ImageFeatures.held(4, images)
    with pytest.raises(ValueError, match="item 3 has no image"):
        features.of([0, 3], DEVICE)


def test_a_catalogue_without_images_has_none_of_anything() -> None:
    features = ImageFeatures.none(3)
    assert features.of([], DEVICE) is None
    assert features.nbytes == 0
    assert features.gathered().count == 0
    with pytest.raises(ValueError, match="item 1 has no image"):
        features.of([1], DEVICE)
