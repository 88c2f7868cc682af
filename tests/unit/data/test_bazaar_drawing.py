import numpy as np
import pytest

from gistrec.data.bazaar.drawing import COLOURS, KINDS, PATTERNS, draw, nominal_rgb


def pixels(kind, colour, pattern, seed=0, size=64):
    picture = draw(kind, colour, pattern, np.random.default_rng(seed), size)
    assert picture.mode == "RGB"
    assert picture.size == (size, size)
    return np.asarray(picture).astype(np.int64)


def near(image, colour, within):
    """Where an image is near a nominal colour, bool [side, side]."""
    return np.abs(image - np.asarray(nominal_rgb(colour))).max(axis=-1) <= within


def test_words_are_single_and_distinct():
    words = [*KINDS, *COLOURS, *PATTERNS]
    assert (len(KINDS), len(COLOURS), len(PATTERNS)) == (24, 8, 5)
    assert len(set(words)) == len(words)
    assert all(word.isalpha() and word.islower() for word in words)


def test_same_seed_same_drawing_and_another_seed_another():
    assert (pixels("mug", "red", "dotted", 3) == pixels("mug", "red", "dotted", 3)).all()
    assert (pixels("mug", "red", "dotted", 3) != pixels("mug", "red", "dotted", 4)).any()


@pytest.mark.parametrize("size", [16, 32, 64, 100])
def test_any_size(size):
    pixels("kite", "blue", "checked", size=size)


def test_chance_advances_alike_whatever_is_drawn():
    one, other = np.random.default_rng(5), np.random.default_rng(5)
    draw("mug", "red", "plain", one)
    draw("guitar", "pink", "zigzag", other)
    assert one.random() == other.random()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_drawing_shows_its_colour_and_no_other(kind):
    for seed, colour in enumerate(COLOURS):
        image = pixels(kind, colour, "plain", seed)
        shown = {other: near(image, other, 34).mean() for other in COLOURS}
        assert max(shown, key=shown.get) == colour
        assert shown[colour] > 0.05  # of the picture


@pytest.mark.parametrize("kind", KINDS)
def test_colour_leaves_the_silhouette_alone(kind):
    one, other = (pixels(kind, colour, "plain", 7) for colour in ("red", "blue"))
    changed = np.abs(one - other).max(axis=-1) > 40
    assert changed.mean() > 0.05  # of the picture
    for image in (one, other):
        grey = np.ptp(image, axis=-1) < 25  # background, floor, metal
        assert not changed[grey].any()


def test_colours_lie_well_apart():
    rgb = np.asarray([nominal_rgb(colour) for colour in COLOURS], dtype=float)
    apart = np.linalg.norm(rgb[:, None] - rgb[None], axis=-1) + 1e9 * np.eye(len(rgb))
    assert apart.min() > 70  # jitter moves a colour by some 30 at most


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_differ_visibly(kind):
    images = [pixels(kind, "blue", pattern, 2) for pattern in PATTERNS]
    for first in range(len(images)):
        for second in range(first):
            differing = np.abs(images[first] - images[second]).max(axis=-1) > 60
            assert differing.mean() > 0.015  # at least 61 of 4096 pixels


def test_silhouettes_differ_between_kinds():
    shapes = [
        np.mean([np.ptp(pixels(kind, "red", "plain", seed), axis=-1) > 60 for seed in range(12)], 0)
        for kind in KINDS
    ]
    for first in range(len(shapes)):
        for second in range(first):
            union = np.maximum(shapes[first], shapes[second]).sum()
            overlap = np.minimum(shapes[first], shapes[second]).sum()
            assert overlap / union < 0.85, (KINDS[first], KINDS[second])


def test_unknown_words_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(KeyError):
        draw("submarine", "red", "plain", rng)
    with pytest.raises(ValueError, match="no pattern is called 'paisley'"):
        draw("mug", "red", "paisley", rng)
