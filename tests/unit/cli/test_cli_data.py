import io

import polars as pl
import pytest
from PIL import Image
from typer.testing import CliRunner

from gistrec.cli.data import app
from gistrec.errors import ConfigError, DataError

runner = CliRunner()


def published(folder):
    folder.mkdir()
    (folder / "ratings.dat").write_text(
        "1::10::5::100\n1::20::2::200\n2::10::4::150\n1::10::5::100\n"
    )
    (folder / "movies.dat").write_text("10::Ten (1990)::Drama\n20::Twenty (2000)::War\n")
    posters = folder / "posters"
    posters.mkdir()
    stream = io.BytesIO()
    Image.new("RGB", (400, 300), "red").save(stream, "JPEG")
    (posters / "10.jpg").write_bytes(stream.getvalue())
    (posters / "20.jpg").write_bytes(b"damaged")
    return folder


def imported(tmp_path, *options):
    folder = published(tmp_path / "ml")
    out = tmp_path / "dataset"
    arguments = ["import", "movielens", str(folder), "--out", str(out), *options]
    return out, runner.invoke(app, arguments, catch_exceptions=False)


def words(text):
    return " ".join(text.replace("│", " ").split())


def test_import_says_what_came_in_and_what_fell_out(tmp_path):
    images = str(tmp_path / "ml" / "posters")
    out, result = imported(tmp_path, "--images", images, "--image-side", "50")
    assert result.exit_code == 0
    said = words(result.output)
    assert "users 2" in said
    assert "items 2" in said
    assert "interactions 3" in said
    assert "interactions read 4" in said
    assert "left out: exact duplicates of another row 1" in said
    assert "items with an image 1 (50.0%)" in said
    assert "image failed 1" in said
    failed = pl.read_csv(tmp_path / "dataset.images.csv", schema_overrides={"item_id": pl.String})
    assert failed["item_id"].to_list() == ["20"]
    kept = pl.read_parquet(out / "items.parquet")["image"].to_list()
    assert [data and Image.open(io.BytesIO(data)).size for data in kept] == [(50, 38), None]


def test_import_filters_names_and_nouns(tmp_path):
    from gistrec.data.dataset import open_dataset

    options = ["--min-rating", "4", "--only-seen", "--name", "mine", "--item-noun", "film"]
    out, result = imported(tmp_path, *options, "--verb", "saw")
    assert result.exit_code == 0
    dataset = open_dataset(out)
    assert dataset.interactions.height == 2
    assert dataset.item_ids.to_list() == ["10"]
    assert (dataset.card.name, dataset.card.item_noun, dataset.card.verb) == ("mine", "film", "saw")


def test_import_maps_columns_of_own_tables(tmp_path):
    (tmp_path / "log.csv").write_text("uid,sku,when\nu,a,1\nu,b,2\n")
    out = tmp_path / "dataset"
    mapping = ["--map", "user_id=uid", "--map", "item_id=sku", "--map", "timestamp=when"]
    arguments = ["import", "table", str(tmp_path / "log.csv"), "--out", str(out), *mapping]
    result = runner.invoke(app, arguments, catch_exceptions=False)
    assert "without metadata, kept with an empty title: 2" in words(result.output)


def test_import_refuses_what_it_does_not_know(tmp_path):
    out = ["--out", str(tmp_path / "out")]
    folder = str(published(tmp_path / "ml"))
    with pytest.raises(ConfigError, match="unknown source 'netflix'; there are movielens"):
        runner.invoke(app, ["import", "netflix", folder, *out], catch_exceptions=False)
    arguments = ["import", "movielens", folder, "--map", "user_id=u", *out]
    with pytest.raises(ConfigError, match="movielens has fixed column names"):
        runner.invoke(app, arguments, catch_exceptions=False)
    with pytest.raises(DataError, match="nothing here that amazon knows"):
        runner.invoke(app, ["import", "amazon", folder, *out], catch_exceptions=False)
    assert not (tmp_path / "out").exists()


def test_check_is_content_with_an_import(tmp_path):
    out, _ = imported(tmp_path)
    assert runner.invoke(app, ["check", str(out)], catch_exceptions=False).exit_code == 0


def test_check_shows_row_and_field_and_fails_if_fatal(tmp_path):
    out, _ = imported(tmp_path)
    log = pl.read_parquet(out / "interactions.parquet")
    row = pl.int_range(pl.len()) == 2
    broken = pl.when(row).then(None).otherwise(pl.col("user_id")).alias("user_id")
    log.with_columns(broken).write_parquet(out / "interactions.parquet")
    result = runner.invoke(app, ["check", str(out)], catch_exceptions=False)
    assert result.exit_code == 1
    said = words(result.output)
    assert "fatal interactions.parquet 2 user_id" in said


def test_bazaar_is_made_and_shown(tmp_path):
    out, picture = tmp_path / "bazaar", tmp_path / "sheet.png"
    arguments = ["bazaar", "--out", str(out), "--users", "30", "--items", "60", "--seed", "5"]
    made = runner.invoke(app, arguments, catch_exceptions=False)
    assert "users 30" in words(made.output)
    arguments = ["show", str(out), "--out", str(picture), "--items", "10"]
    assert runner.invoke(app, arguments, catch_exceptions=False).exit_code == 0
    with Image.open(picture) as sheet:
        assert sheet.width > 400


def test_bazaar_refuses_what_cannot_be(tmp_path):
    arguments = ["bazaar", "--out", str(tmp_path / "b"), "--items", "3"]
    with pytest.raises(ConfigError, match="--items"):
        runner.invoke(app, arguments, catch_exceptions=False)


def test_show_refuses_a_picture_of_unknown_kind(tmp_path):
    arguments = ["show", str(tmp_path), "--out", "sheet.xyz"]
    with pytest.raises(ConfigError, match=r"must end in one of \.png"):
        runner.invoke(app, arguments, catch_exceptions=False)


def test_wrong_usage_is_another_exit_code(tmp_path):
    assert runner.invoke(app, ["import", "movielens"]).exit_code == 2
