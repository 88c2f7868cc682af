"""Gists of a run: asked only for what is new, measured, and shown."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from end_to_end_cases import TINY, Command

from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import open_dataset
from gistrec.errors import RunError
from gistrec.pipeline.backbone import backbone_stage
from gistrec.pipeline.gist.stage import gist_stage
from gistrec.pipeline.gist.view import gist_view
from gistrec.pipeline.split import split_stage
from gistrec.pipeline.workplace import Workplace

COLUMNS = ["item_id", "image_keywords", "text_keywords", "image_valid", "text_valid"]


@dataclass(frozen=True)
class Shop:
    """A dataset that may change, and a run on it with a named backbone."""

    dataset: Path
    run: Path
    model: Path
    work: Workplace

    def gists(self, **changed: object) -> tuple[pl.DataFrame, dict[str, Any]]:
        """The table as the dataset is now, and the stage's facts."""
        config = self.work.config
        gist = config.gist.model_copy(update=changed)
        named = config.backbone.model_copy(update={"model": str(self.model)})
        config = config.model_copy(update={"backbone": named, "gist": gist})
        work = Workplace(self.run, config, open_dataset(self.dataset))
        found = gist_stage(work, backbone_stage(work, split_stage(work)))
        manifest = json.loads((self.run / "gist" / "manifest.json").read_text(encoding="utf-8"))
        return found, manifest["facts"]

    def change(self, **columns: pl.Expr) -> None:
        """Change columns of the items."""
        file = self.dataset / "items.parquet"
        pl.read_parquet(file).with_columns(**columns).write_parquet(file)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, gistrec: Command) -> Workplace:
    """A bazaar, and the stage `backbone` with a tiny embedded one."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    gistrec.done("data", "bazaar", "--out", folder / "bazaar", "--users", 60, "--items", 80)
    config = load_config(SystemConfig, "mmsrarec", folder / "tiny.yaml", ["split.cold_fraction=0"])
    work = Workplace(folder / "run", config, open_dataset(folder / "bazaar"))
    backbone_stage(work, split_stage(work))
    return work


@pytest.fixture(scope="module")
def run(made: Workplace) -> Path:
    """A run as far as its gists."""
    gist_stage(made, made.run / "backbone")
    return made.run


@pytest.fixture
def shop(made: Workplace, tmp_path: Path) -> Shop:
    dataset = Path(shutil.copytree(made.dataset.folder, tmp_path / "bazaar"))
    model = Path(shutil.copytree(made.run / "backbone" / "model", tmp_path / "model"))
    return Shop(dataset, tmp_path / "run", model, made)


def test_a_changed_item_alone_is_asked_again(shop: Shop) -> None:
    before, first = shop.gists()
    assert first["taken_over"] == 0
    row = pl.int_range(pl.len()) == 5
    shop.change(title=pl.when(row).then(pl.lit("a new title")).otherwise("title"))
    after, second = shop.gists()
    # Its text, and that once more where the first answer is no list.
    assert 1 <= second["asked"] <= 2
    assert first["asked"] - 2 <= second["taken_over"] < first["asked"]
    same = pl.col("item_id") != before["item_id"][5]
    assert after.filter(same).equals(before.filter(same))
    assert after["seconds"].sum() > second["asking_seconds"]


def test_fewer_keywords_ask_none_of_the_first_questions_again(shop: Shop) -> None:
    _, first = shop.gists()
    fewer, second = shop.gists(text_keywords=2)
    assert second["asked"] <= second["asked_again"]  # that question names the number
    assert second["taken_over"] >= first["asked"] - first["asked_again"]
    assert set(fewer["text_keywords"].list.len()) <= {0, 1, 2}


def test_another_model_is_asked_everything(shop: Shop) -> None:
    _, first = shop.gists()
    (shop.model / "note.txt").write_text("not the same folder", encoding="utf-8")
    _, second = shop.gists()
    assert (second["asked"], second["taken_over"]) == (first["asked"], 0)


def test_sentences_are_joined_measured_and_shown(shop: Shop, gistrec: Command) -> None:
    before, first = shop.gists(style="sentences")
    assert set(before["image_keywords"].list.len()) == {0}
    assert set(first["sentences"]) >= {"image_words", "joined", "from_image", "from_text"}
    both = before.drop_nulls(["image_sentence", "text_sentence"])
    assert both["summary_valid"].null_count() == 0
    assert max(len(line.split()) for line in before["summary"].drop_nulls()) <= 24
    view = json.loads(gistrec.done("gist", "--run", shop.run, "--json").out)
    assert view["quality"]["sentences"]["summary_words"] == pytest.approx(
        first["sentences"]["summary_words"], abs=1e-4
    )
    item = both["item_id"][0]
    told = gistrec.done("gist", "--run", shop.run, "--item", item).out
    assert "summary" in told
    assert "summary: words a sentence" in gistrec.done("gist", "--run", shop.run).out
    # Settings of the other style leave the stage as it is.
    finished = (shop.run / "gist" / "manifest.json").stat().st_mtime_ns
    assert shop.gists(style="sentences", text_keywords=2)[0].equals(before)
    assert (shop.run / "gist" / "manifest.json").stat().st_mtime_ns == finished


def test_a_tuned_model_answers_in_place_of_the_backbone(made: Workplace, tmp_path: Path) -> None:
    """A stage's folder with the backbone's own weights as if tuned: the same words, its name."""
    run = Path(shutil.copytree(made.run, tmp_path / "run"))
    work = Workplace(run, made.config, made.dataset)
    before = gist_stage(work, run / "backbone")
    tuned = Path(shutil.copytree(run / "backbone", run / "gist-tuning"))
    found = gist_stage(work, run / "backbone", tuned)
    assert found.select(COLUMNS).equals(before.select(COLUMNS))
    assert found["model"].unique().to_list() == ["embedded, gist-tuning"]
    manifest = json.loads((run / "gist" / "manifest.json").read_text(encoding="utf-8"))
    assert "gist-tuning" in manifest["inputs"]
    assert manifest["facts"]["taken_over"] == 0


def test_quality_is_measured_and_shown(run: Path, gistrec: Command) -> None:
    view = json.loads(gistrec.done("gist", "--run", run, "--json").out)
    facts = json.loads((run / "gist" / "manifest.json").read_text(encoding="utf-8"))["facts"]
    quality = view["quality"]
    assert len(view["samples"]) == 10
    assert quality["encoder"] == facts["encoder"] == "lsa"
    assert set(quality["only_in_image"]) == {"colour", "pattern"}
    assert facts["retrieval_mrr"] == pytest.approx(quality["retrieval"]["mrr"], abs=1e-4)
    assert facts["asked"] > 0
    assert facts["taken_over"] == 0
    told = gistrec.done("gist", "--run", run).out
    assert "colour, in the image alone, told" in told
    assert view["samples"][0]["item_id"] in told


def test_one_item_is_shown(run: Path, gistrec: Command) -> None:
    row = pl.read_parquet(run / "gist" / "gists.parquet").row(3, named=True)
    found = json.loads(gistrec.done("gist", "--run", run, "--item", row["item_id"], "--json").out)
    assert found == row
    told = gistrec.done("gist", "--run", run, "--item", row["item_id"]).out
    assert "embedded" in told
    assert f"version {row['prompt_version']}" in told


def test_what_is_not_there_is_one_clear_message(
    run: Path, gistrec: Command, tmp_path: Path
) -> None:
    known = pl.read_parquet(run / "gist" / "gists.parquet")["item_id"][0]
    ended = gistrec("gist", "--run", run, "--item", f"{known}x")
    assert ended.code == 1
    assert f"did you mean '{known}'?" in ended.err
    ended = gistrec("gist", "--run", tmp_path)
    assert ended.code == 1
    assert "is no run: it has no config.yaml" in ended.err


def test_gists_of_an_earlier_gistrec_are_named(run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run / "gist", tmp_path / "gist"))
    gists = pl.read_parquet(folder / "gists.parquet")
    gists.select(COLUMNS).write_parquet(folder / "gists.parquet")
    with pytest.raises(RunError, match="earlier gistrec"):
        gist_view(tmp_path)
