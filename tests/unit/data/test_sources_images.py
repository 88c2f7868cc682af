import io

import polars as pl
import pytest
from PIL import Image

from gistrec.data.sources.attach_images import attach_images
from gistrec.data.sources.image_bytes import NotAnImageError, shrunk
from gistrec.data.sources.image_folder import files_in, read_images
from gistrec.errors import DataError


def encoded(size=(40, 30), kind="JPEG", mode="RGB", colour="red", **options):
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, kind, **options)
    return stream.getvalue()


def size_of(data):
    return Image.open(io.BytesIO(data)).size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_small_images_stay_byte_for_byte(kind):
    data = encoded(kind=kind)
    assert shrunk(data, 40) is data


@pytest.mark.parametrize(
    ("size", "becomes"), [((400, 300), (40, 30)), ((300, 400), (30, 40)), ((4000, 40), (40, 1))]
)
def test_the_longest_side_is_bounded_and_the_shape_kept(size, becomes):
    assert size_of(shrunk(encoded(size), 40)) == pytest.approx(becomes, abs=1)


def test_shrinking_is_deterministic():
    assert shrunk(encoded((400, 300)), 64) == shrunk(encoded((400, 300)), 64)


def test_see_through_images_get_a_white_ground():
    data = encoded((100, 100), "PNG", "RGBA", (255, 0, 0, 0))
    assert Image.open(io.BytesIO(shrunk(data, 10))).getpixel((5, 5)) == (255, 255, 255)


def test_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert size_of(shrunk(encoded((40, 30), exif=exif), 40)) == (30, 40)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_every_mode_can_be_shrunk(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert size_of(shrunk(encoded((80, 80), kind, mode, 0), 20)) == (20, 20)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", encoded((300, 300))[:200], encoded(kind="PNG")[:60]]
)
def test_damaged_bytes_are_no_image(data):
    with pytest.raises(NotAnImageError):
        shrunk(data, 40)


def test_a_folder_with_missing_and_damaged_files(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded((100, 50)))
    (tmp_path / "b.PNG").write_bytes(encoded(kind="PNG"))
    (tmp_path / "c.jpg").write_bytes(b"not an image")
    (tmp_path / "d.txt").write_bytes(b"ignored")
    items = pl.DataFrame({"item_id": ["x", "b", "a", "c", "d"], "title": list("xbacd")})
    attached = attach_images(items, 20, None, tmp_path, None, tmp_path / "cache")
    assert attached.items["item_id"].to_list() == items["item_id"].to_list()
    has = attached.items["image"].is_not_null().to_list()
    assert has == [False, True, True, False, False]
    assert size_of(attached.items["image"][2]) == (20, 10)
    count = attached.count
    assert (count.items, count.with_image, count.failed, count.missing) == (5, 2, 1, 2)
    (failure,) = attached.failures
    assert (failure.item_id, failure.where) == ("c", str(tmp_path / "c.jpg"))
    assert "not an image" in failure.why


def test_of_two_files_the_preferred_kind_is_taken(tmp_path):
    for name in ("a.webp", "a.png", "a.jpg"):
        (tmp_path / name).write_bytes(encoded(kind={"jpg": "JPEG"}.get(name[2:], name[2:])))
    assert files_in(tmp_path, pl.Series(["a"])).rows() == [("a", str(tmp_path / "a.jpg"))]


def test_more_images_than_a_chunk_keep_their_items(tmp_path):
    rows = []
    for number in range(1100):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encoded((1, 1), "PNG", colour=(number % 256, number // 256, 0)))
        rows.append((str(number), str(path)))
    files = pl.DataFrame(rows, schema=["item_id", "file"], orient="row")
    table = read_images(files, 8).table
    assert table["item_id"].to_list() == files["item_id"].to_list()
    for number in (0, 511, 512, 1099):
        pixel = Image.open(io.BytesIO(table["image"][number])).getpixel((0, 0))
        assert pixel == (number % 256, number // 256, 0)


def test_embedded_images_come_first_and_named_files_next(tmp_path):
    (tmp_path / "b.png").write_bytes(encoded(kind="PNG"))
    (tmp_path / "a.png").write_bytes(encoded((9, 9), kind="PNG"))
    items = pl.DataFrame(
        {"item_id": ["a", "b", "c"], "title": ["", "", ""], "image": [encoded(), None, b"junk"]}
    )
    named = pl.DataFrame({"item_id": ["a", "b"], "file": [str(tmp_path / "b.png"), "absent.png"]})
    attached = attach_images(items, 50, named, tmp_path, None, tmp_path / "cache")
    assert [data and size_of(data) for data in attached.items["image"]] == [
        (40, 30),
        (40, 30),
        None,
    ]
    assert {failure.item_id for failure in attached.failures} == {"b", "c"}
    assert attached.count.failed == 1  # b was found elsewhere after all


def test_no_images_asked_for_no_image_column(tmp_path):
    items = pl.DataFrame({"item_id": ["a"], "title": [""]})
    attached = attach_images(items, 50, None, None, None, tmp_path)
    assert attached.count is None
    assert attached.items.equals(items)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no such folder of images"):
        files_in(tmp_path / "absent", pl.Series(["a"]))
