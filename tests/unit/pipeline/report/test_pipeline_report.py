import re
import sys
from pathlib import Path

import pytest

from gistrec.errors import RunError
from gistrec.evaluation.leaderboard import load_leaderboard, save_leaderboard
from gistrec.files import write_json
from gistrec.pipeline.manifest import Manifest, write_manifest
from gistrec.pipeline.report.courses import courses_of
from gistrec.pipeline.report.page import report_content, write_report
from gistrec.pipeline.report.rows import answering_seconds, entrants_of, rows_of

sys.path.append(str(Path(__file__).parents[2] / "evaluation"))
from report_cases import LEVELS, USERS, ranks, row, write_run


def finish(run: Path, stage: str, inputs: dict[str, str] | None = None, **facts: object) -> Path:
    """A finished stage of eight seconds."""
    folder = run / stage
    folder.mkdir(parents=True)
    manifest = {"config": None, "code": "1", "attempts": 1, "peak_mib": 100.0, "versions": {}}
    told = {"stage": stage, "fingerprint": "f", "inputs": inputs or {}, "seconds": 8.0}
    write_manifest(folder, Manifest.model_validate({**manifest, **told, "facts": facts}))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leaderboard, ranks and measurements, as a run has them, and nothing else."""
    folder = write_run(tmp_path_factory.mktemp("runs") / "one")
    for system in LEVELS:
        model = {"backbone": "b"} if system.startswith("mmsrarec") else {}
        finish(folder, f"evaluation-{system}", model)
    return folder


def test_a_runs_own_systems_are_those_that_asked_its_backbone(run: Path) -> None:
    assert entrants_of(run, load_leaderboard(run)).own == ("mmsrarec", "mmsrarec+fusion")


def test_a_baseline_that_reads_item_vectors_of_the_backbone_is_still_one(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"hm4sr": 5, "mmsrarec": 3})
    finish(run, "evaluation-hm4sr", {"backbone": "b", "baseline-hm4sr": "h"})
    finish(run, "evaluation-mmsrarec", {"backbone": "b", "baseline-sasrec": "s"})
    assert entrants_of(run, load_leaderboard(run)).own == ("mmsrarec",)


def test_a_note_begins_with_the_name_of_its_system_as_it_is_written(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"SASRec": 6, "popularity": 9})
    (run / "config.yaml").write_text("name: SASRec\n", encoding="utf-8")
    (note,) = report_content(run, 0, 0).heading.notes
    assert note.startswith("SASRec, popularity in ")


def test_a_question_costs_its_share_and_a_fused_system_what_it_reads(run: Path) -> None:
    seconds = answering_seconds([run], LEVELS)
    assert seconds["popularity"] == 8.0 / USERS
    assert seconds["mmsrarec+fusion"] == (8.0 + 8.0) / USERS


def test_a_question_is_counted_under_each_seed(run: Path, tmp_path: Path) -> None:
    half = row("popularity", ranks(9).head(USERS // 2))
    save_leaderboard([half], tmp_path)
    finish(tmp_path, "evaluation-popularity")
    seconds = answering_seconds([run, tmp_path], ["popularity"])
    assert seconds["popularity"] == (8.0 + 8.0) / (USERS + USERS // 2)


def test_what_is_absent_is_left_out(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = report_content(run, 0, 0)
    assert content.heading.system == "mmsrarec"
    assert content.dataset is None
    assert content.galleries == content.courses == content.variants == content.qualities == ()
    assert len(content.runs[0].stages) == len(LEVELS)
    assert "nothing is told of the dataset" in capsys.readouterr().err


def test_a_model_that_does_not_open_is_said_in_its_place(run: Path) -> None:
    (gallery,) = report_content(run, 2, 0).galleries
    assert gallery.users == ()
    assert "has no config.yaml" in gallery.absent


def test_baselines_alone_are_a_report_too(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {"popularity": 9, "itemknn": 6})
    target = write_report(run, users=0)
    assert target == run / "report.html"
    assert "<title>Baselines on shop: gistrec report</title>" in target.read_text(encoding="utf-8")


def test_a_folder_of_seeds_is_one_report_of_their_means(tmp_path: Path) -> None:
    for seed in (0, 1):
        folder = write_run(tmp_path / f"seed-{seed}", {"popularity": 9, "itemknn": 4 + seed}, seed)
        (folder / "config.yaml").write_text("name: popularity\n", encoding="utf-8")
    folders = [tmp_path / "seed-0", tmp_path / "seed-1"]
    each = [
        {row.system: row.metrics["NDCG@5"].value for row in load_leaderboard(folder)}
        for folder in folders
    ]
    both = {row.system: row for row in rows_of(folders)}
    for system, pooled in both.items():
        mean = (each[0][system] + each[1][system]) / 2
        assert pooled.metrics["NDCG@5"].value == pytest.approx(mean)
        assert pooled.n_users == USERS
    content = report_content(tmp_path, 0, 0)
    assert content.heading.seeds == ("0", "1")
    assert content.first == "seed 0, the first of 2"
    assert dict(content.by_seed[0].lines)["itemknn"] == tuple(
        f"{one['itemknn']:.3f}" for one in each
    )
    assert [card.folder for card in content.runs] == ["seed-0", "seed-1"]
    assert len(content.told_apart) == 1


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=re.escape("leaderboard.json is missing")):
        write_report(tmp_path)


def test_training_is_drawn_where_more_than_its_end_was_noted(tmp_path: Path) -> None:
    noted = {"validation_by_epoch": [0.1, None, 0.3], "best_epoch": 3}
    finish(tmp_path, "recommender", **noted)
    finish(tmp_path, "recommender-evidence", validation_by_epoch=[0.2], best_epoch=1)
    for name, values in (("sasrec", [0.1, 0.2]), ("earlier", None)):
        folder = finish(tmp_path, f"baseline-{name}")
        write_json(folder / "model.json", {"report": {"epochs": 2, "by_epoch": values}})
    told, baselines = courses_of(tmp_path)
    assert told.best == 3
    assert told.curves[0].points == ((1.0, 0.1), (3.0, 0.3))
    assert [curve.name for curve in baselines.curves] == ["sasrec"]


def test_what_a_run_took_over_was_not_trained_in_it(tmp_path: Path) -> None:
    finish(tmp_path, "recommender", from_run="elsewhere", validation_by_epoch=[0.1, 0.2, 0.3])
    assert courses_of(tmp_path) == []


def test_rewards_are_read_from_what_the_tuning_logged(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    finish(tmp_path, "gist-tuning", best_step=20)
    logs = SummaryWriter(str(tmp_path / "gist-tuning" / "tensorboard"))
    for step in (10, 20):
        logs.add_scalar("train/reward", step / 100, step)
        logs.add_scalar("train/rewards/length/mean", -step / 10, step)
    logs.close()
    whole, terms = courses_of(tmp_path)
    assert whole.best == 20
    assert whole.curves[0].points == ((10.0, pytest.approx(0.1)), (20.0, pytest.approx(0.2)))
    assert [curve.name for curve in terms.curves] == ["length"]
