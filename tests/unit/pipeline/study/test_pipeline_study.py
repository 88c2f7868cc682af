"""A study at work: what is shared, what fails, what goes on, what is written down."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gistrec.config.study import StudyConfig
from gistrec.errors import RunError
from gistrec.evaluation.study import StudyRecord, load_study
from gistrec.evaluation.study_board_table import as_markdown, board_table, publish_boards
from gistrec.pipeline.study.board import study_boards
from gistrec.pipeline.study.estimate import estimate
from gistrec.pipeline.study.plan import StudyPlan, plan_study
from gistrec.pipeline.study.run import run_study
from gistrec.pipeline.variants import Recipe

SMALL: dict[str, object] = {
    "name": "small",
    "title": "A small study",
    "datasets": [{"name": "shop", "bazaar": {"users": 60, "items": 80}}],
    "seeds": [0, 1],
    "baselines": ["popularity", "itemknn"],
    "systems": [{"preset": "itemknn", "label": "near", "set": {"baselines.itemknn.neighbours": 5}}],
    "protocols": ["sampled"],
    "set": {"split.test_fraction": 0.3, "evaluation.resamples": 20},
}


@dataclass(frozen=True)
class Stopped(Recipe):
    """A recipe whose making ends as a person or a machine ends it."""

    error: BaseException | None = None

    def make(self, run: Path, *changes: str) -> None:
        assert self.error is not None
        raise self.error


def plan_of(folder: Path, **settings: object) -> StudyPlan:
    return plan_study(StudyConfig.model_validate(SMALL | settings), folder)


def went(plan: StudyPlan) -> StudyRecord:
    return run_study(plan, estimate(plan))


def stopped(plan: StudyPlan, system: str, error: BaseException) -> StudyPlan:
    """The same, but that one system's runs are stopped by ``error``."""
    runs = [
        replace(run, recipe=Stopped(*vars(run.recipe).values(), error=error))
        if run.system == system
        else run
        for run in plan.runs
    ]
    return replace(plan, runs=tuple(runs))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyRecord]:
    folder = tmp_path_factory.mktemp("study") / "small"
    return folder, went(plan_of(folder))


def test_runs_share_what_they_have_in_common(study: tuple[Path, StudyRecord]) -> None:
    folder, record = study
    assert [run.state for run in record.runs] == ["done"] * 6
    for run in record.runs:
        expected = () if run.system == "popularity" else ("split", "evaluation-oracle")
        assert run.reused == expected
        first = folder / "runs" / "shop" / "popularity" / f"seed-{run.seed}"
        for stage in run.reused:
            manifest = folder / run.folder / stage / "manifest.json"
            assert manifest.samefile(first / stage / "manifest.json")
    assert load_study(folder) == record


def test_what_was_expected_to_be_shared_is_shared(study: tuple[Path, StudyRecord]) -> None:
    folder, record = study
    for part, run in zip(estimate(plan_of(folder)), record.runs, strict=True):
        assert {stage.name for stage in part.stages if stage.shared} == set(run.reused)
        assert all(stage.stands for stage in part.stages)
        assert part.left == 0
        assert part.seconds == pytest.approx(run.seconds, abs=0.1)


def test_what_stands_is_not_made_again(
    study: tuple[Path, StudyRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, record = study
    capsys.readouterr()
    again = went(plan_of(folder))
    assert "begins" not in capsys.readouterr().err
    assert again == record  # what was expected, too, and not what it took


def test_boards_pool_the_seeds_and_tell_who_wins(study: tuple[Path, StudyRecord]) -> None:
    folder, record = study
    (board,) = study_boards(folder, record)
    names = [line.row.system for line in board.lines]
    assert names[0] == "oracle"
    assert set(names) == {"oracle", "popularity", "itemknn", "near"}
    for line in board.lines:
        assert line.seeds == (0, 1)
        assert len(line.by_seed["NDCG@5"]) == 2
        assert line.row.metrics["NDCG@5"].value == pytest.approx(sum(line.by_seed["NDCG@5"]) / 2)
    assert len(board.pairs) == 3
    assert 2 <= len(board.told) + 1 <= 3
    assert names[1] in board.told[0]
    assert names[2] in board.told[0]
    files = publish_boards([board], record, folder)
    assert all(file.is_file() for file in files)
    assert f"| {names[1]} | 0,1 |" in files[1].read_text(encoding="utf-8")
    assert board_table(board).row_count == 4


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RunError("the disk is elsewhere"), "the disk is elsewhere"),
        (MemoryError(), "not enough memory"),
        (ValueError("odd"), "ValueError: odd"),
    ],
)
def test_a_system_that_fails_takes_no_other_with_it_and_is_tried_again(
    tmp_path: Path, error: Exception, told: str
) -> None:
    plan = plan_of(tmp_path, seeds=[0])
    record = went(stopped(plan, "itemknn", error))
    states = {run.system: run.state for run in record.runs}
    assert states == {"popularity": "done", "itemknn": "failed", "near": "done"}
    (failed,) = record.of("failed")
    assert failed.message is not None
    assert told in failed.message
    fault = tmp_path / "faults" / "shop-itemknn-seed-0.txt"
    assert fault.exists() != isinstance(error, RunError)  # what a person can mend needs no trace
    (board,) = study_boards(tmp_path, record)
    assert [run.system for run in board.failed] == ["itemknn"]
    assert "| itemknn | 0 |  | failed |" in as_markdown([board], record)
    again = went(plan)
    assert [run.state for run in again.runs] == ["done"] * 3
    assert again.of("done")[1].message is None
    assert not fault.exists()


def test_an_interruption_ends_the_study_and_the_next_start_goes_on(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, seeds=[0])
    with pytest.raises(KeyboardInterrupt):
        went(stopped(plan, "itemknn", KeyboardInterrupt()))
    assert [run.state for run in load_study(tmp_path).runs] == ["done", "waiting", "waiting"]
    assert [run.state for run in went(plan).runs] == ["done"] * 3


def test_changed_settings_make_again_what_they_touch(tmp_path: Path) -> None:
    went(plan_of(tmp_path, seeds=[0], systems=[]))
    kept = manifest(tmp_path, "popularity", "baseline-popularity")
    touched = manifest(tmp_path, "itemknn", "baseline-itemknn")
    before = kept(), touched()
    settings = {"split.test_fraction": 0.3, "baselines.itemknn.neighbours": 7}
    record = went(plan_of(tmp_path, seeds=[0], systems=[], set=settings))
    assert [run.state for run in record.runs] == ["done", "done"]
    assert kept() == before[0]
    assert touched() != before[1]


def test_what_is_taken_over_from_a_run_that_is_made_anew_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def begun(neighbours: int) -> list[str]:
        near = {"baselines.itemknn.neighbours": neighbours}
        taken = {"recommender.from_run": str(tmp_path / "runs/shop/near/seed-0")}
        systems = [
            {"preset": "itemknn", "label": "near", "set": near},
            {"preset": "itemknn", "label": "moved", "set": taken},
        ]
        went(plan_of(tmp_path, seeds=[0], baselines=["popularity"], systems=systems))
        told = capsys.readouterr().err
        return [name for name in ("popularity", "near", "moved") if f"{name} on shop" in told]

    assert begun(5) == ["popularity", "near", "moved"]
    assert begun(5) == []
    assert begun(6) == ["near", "moved"]


def test_systems_with_other_seeds_are_shown_and_not_compared(tmp_path: Path) -> None:
    both = plan_of(tmp_path)
    runs = [run for run in both.runs if (run.system, run.seed) != ("near", 1)]
    record = went(replace(both, runs=tuple(runs)))
    (board,) = study_boards(tmp_path, record)
    assert {line.row.system: line.seeds for line in board.lines}["near"] == (0,)
    assert len(board.pairs) == 1
    assert board.notes == ("near is not compared: it has seeds 0, most have 0, 1",)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(RunError, match="not a run"):
        went(plan_of(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_damaged_record_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="damaged: delete it"):
        load_study(tmp_path)
    with pytest.raises(RunError, match="is no study"):
        load_study(tmp_path / "nowhere")


def manifest(study: Path, system: str, stage: str) -> Callable[[], int]:
    file = study / "runs" / "shop" / system / "seed-0" / stage / "manifest.json"
    return lambda: file.stat().st_mtime_ns
