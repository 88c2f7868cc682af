"""The report of a study, made of run folders that hold leaderboards and ranks alone."""

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gistrec.cli.main import app
from gistrec.errors import RunError
from gistrec.evaluation.study import StudyDataset, StudyRecord, StudyRun, StudySearch, save_study
from gistrec.pipeline.manifest import Manifest, write_manifest
from gistrec.pipeline.study.entries import arenas, entries_of
from gistrec.pipeline.study.page import study_content, write
from gistrec.pipeline.study.settings import settings_of

sys.path.append(str(Path(__file__).parents[2] / "evaluation"))
from report_cases import Tags, write_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BASELINES = {"oracle": 0, "popularity": 9, "itemknn": 6}
WITHHELD = "mmsrarec / images withheld"


def make(study: Path, label: str, seed: int, levels: dict[str, int], **told: object) -> StudyRun:
    """A finished run of baselines and of systems that ask a backbone."""
    folder = f"runs/shop/{label.replace(' / ', '-')}/seed-{seed}"
    write_run(study / folder, {**BASELINES, **levels}, seed)
    for system in levels:
        stage = f"evaluation-{system}"
        manifest = {
            "stage": stage, "fingerprint": "f", "config": None, "inputs": {"backbone": "b"},
            "code": "1", "seconds": 4.0, "attempts": 1, "peak_mib": 1.0, "versions": {},
            "facts": {},
        }  # fmt: skip
        (study / folder / stage).mkdir(parents=True)
        write_manifest(study / folder / stage, Manifest.model_validate(manifest))
    return StudyRun(
        dataset="shop", system=label, seed=seed, folder=folder, state="done", seconds=60.0,
        estimated_seconds=50.0, **told,
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two systems, one of them with images withheld, two seeds; of one a seed failed."""
    folder = tmp_path_factory.mktemp("study")
    runs = []
    for seed in (0, 1):
        runs.append(make(folder, "mmsrarec", seed, {"mmsrarec": 3, "mmsrarec+fusion": 2}))
        runs.append(make(folder, WITHHELD, seed, {"mmsrarec": 5}, reused=("split",)))
    runs.append(make(folder, "mllm-msr", 0, {"mllm-msr": 4}))
    failed = {"dataset": "shop", "state": "failed", "seconds": 3.0}
    runs.append(
        StudyRun(
            system="mllm-msr", seed=1, folder="a", message="no room for <b>40</b> words", **failed
        )
    )
    runs.append(StudyRun(system="molar", seed=0, folder="b", message="out of memory", **failed))
    search = StudySearch(
        dataset="shop", system="itemknn", folder="s", trials=7, seconds=90.0,
        best={"baselines.itemknn.neighbours": 50},
    )  # fmt: skip
    record = StudyRecord(
        name="honest",
        title="All of them",
        datasets=(StudyDataset(name="shop", path="/data/shop"),),
        runs=tuple(runs),
        searches=(search,),
        estimated_seconds=400.0,
    )
    save_study(record, folder)
    return folder


@pytest.fixture(scope="module")
def page_file(study: Path) -> Path:
    """The report, as the command writes it."""
    asked = ["report", "--study", str(study), "--no-gallery"]
    assert CliRunner().invoke(app, asked).exit_code == 0
    return study / "report.html"


def record_of(study: Path) -> StudyRecord:
    return StudyRecord.model_validate_json((study / "study.json").read_bytes())


def test_equal_baselines_of_many_runs_stand_once_and_systems_by_their_labels(study: Path) -> None:
    entries = {entry.name: entry for entry in entries_of(record_of(study), study, "shop")}
    assert entries.keys() == {*BASELINES, "mmsrarec", "mmsrarec+fusion", WITHHELD, "mllm-msr"}
    assert entries["itemknn"].seeds == entries["mmsrarec"].seeds == (0, 1)
    assert entries["mllm-msr"].seeds == (0,)
    assert (entries[WITHHELD].inside, entries[WITHHELD].own) == ("mmsrarec", True)
    assert not entries["itemknn"].own
    assert len(arenas(list(entries.values()))) == 1


def test_a_baseline_that_came_to_something_else_is_named_after_its_setting(tmp_path: Path) -> None:
    runs = (
        make(tmp_path, "mmsrarec", 0, {"mmsrarec": 3}),
        make(tmp_path, WITHHELD, 0, {"mmsrarec": 5, "itemknn": 7}),
    )
    # Of the second run itemknn is told from the backbone's eyes as HM4SR is, and differs.
    (tmp_path / runs[1].folder / "evaluation-itemknn" / "manifest.json").unlink()
    record = StudyRecord(
        name="n", title="t", datasets=(StudyDataset(name="shop", path="/"),), runs=runs
    )
    names = [entry.name for entry in entries_of(record, tmp_path, "shop")]
    assert names.count("itemknn") == names.count("itemknn / images withheld") == 1
    assert names.count("popularity") == 1


def test_a_setting_is_held_against_the_system_as_it_is(study: Path) -> None:
    found = settings_of(entries_of(record_of(study), study, "shop"))
    ((name, (full, withheld)),) = found
    assert name == "mmsrarec"
    assert (full.variant, withheld.variant) == ("full", "images withheld")
    less = withheld.metrics["NDCG@5"].value - full.metrics["NDCG@5"].value
    assert withheld.difference["NDCG@5"].value == pytest.approx(less)
    assert less < 0


def test_what_was_fine_tuned_elsewhere_stands_beside_the_ceiling_and_baselines(
    tmp_path: Path,
) -> None:
    runs = (
        make(tmp_path, "mmsrarec", 0, {"mmsrarec": 3}),
        make(tmp_path, "mmsrarec / from there", 0, {"mmsrarec": 5}),
    )
    config = "name: mmsrarec\nrecommends: true\nrecommender: {from_run: ../there}\n"
    (tmp_path / runs[1].folder / "config.yaml").write_text(config, encoding="utf-8")
    shop = StudyDataset(name="shop", path="/")
    record = StudyRecord(name="n", title="t", datasets=(shop,), runs=runs)
    ((_, rows),) = settings_of(entries_of(record, tmp_path, "shop"))
    assert [row.variant for row in rows] == ["full", "from there", "popularity", "itemknn"]
    assert {row.group for row in rows} == {"transfer"}


def test_the_summary_says_who_wins_by_how_much_and_how_surely(study: Path) -> None:
    content = study_content(study, 0, 0)
    (verdict,) = content.verdicts
    (glance,) = verdict.glances
    assert glance.told.startswith("mmsrarec+fusion stands first")
    assert "mmsrarec+fusion beats itemknn by" in glance.told
    assert "by Holm over 10 pairs" in glance.told  # five systems stand under both seeds
    (part,) = content.parts
    assert part.heading.notes == (
        "Measured under seed 0 instead of 0, 1, and so not compared with the others: mllm-msr.",
    )
    assert part.boards[0].lines[-1].system == "molar"
    assert part.by_seed[0].seeds == ("0", "1")
    assert dict(part.by_seed[0].lines)["mllm-msr"][1] == ""
    assert [one.title for one in part.variants] == ["mmsrarec: under other settings, sampled"]


def test_the_page_tells_failures_searches_time_and_what_papers_print(page_file: Path) -> None:
    tags = Tags(page_file.read_text(encoding="utf-8"))
    for told in (
        "2 of 7 runs failed",
        "no room for <b>40</b> words",
        "out of memory",
        "baselines.itemknn.neighbours=50",
        "2 stages came from an earlier run",
        "nothing here reproduces them",
        "No paper measured on shop",
        "MMSRARec, Table 4: MicroLens",
    ):
        assert told in tags.text, told
    ids = tags.values("id")
    assert len(ids) == len(set(ids))
    inside = {at[1:] for at in tags.values("href") if at.startswith("#")}
    assert inside <= set(ids)
    assert set(" ".join(tags.values("aria-labelledby")).split()) <= set(ids)


def test_a_study_of_which_nothing_is_finished_is_a_report_too(tmp_path: Path) -> None:
    run = StudyRun(
        dataset="shop", system="molar", seed=0, folder="b", state="failed", message="no memory"
    )
    shop = StudyDataset(name="shop", path="/")
    save_study(StudyRecord(name="n", title="t", datasets=(shop,), runs=(run,)), tmp_path)
    text = Tags(write(tmp_path).read_text(encoding="utf-8")).text
    assert "nothing to compare" in text
    assert "no memory" in text


def test_the_command_names_a_run_or_a_study(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["report"]).exit_code == 2
    both = ["report", "--study", str(tmp_path), "--run", str(tmp_path)]
    assert runner.invoke(app, both).exit_code == 2
    with pytest.raises(RunError, match="is no study"):
        runner.invoke(app, both[:3], catch_exceptions=False)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_in_a_browser_it_sorts_fits_a_phone_and_keeps_nobody_out(page_file: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(viewport={"width": 375, "height": 812})
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(page_file.as_uri())
        table = page.locator("#d0-boards table").first
        table.get_by_role("button", name="HR@5").click()
        names = table.locator("tbody th").all_inner_texts()
        assert names[-1] == "molar"  # that which failed has no figure to be sorted by
        assert names.index("mmsrarec+fusion") < names.index("popularity")
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            found = Axe().run(page).response["violations"]
            serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
            assert serious == [], scheme
        browser.close()
    assert wrong == []
