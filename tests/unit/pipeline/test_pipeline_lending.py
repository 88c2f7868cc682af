import os
from pathlib import Path

import pytest

from gistrec.config.base import StageConfig
from gistrec.errors import RunError
from gistrec.files import write_text
from gistrec.pipeline.lending import note_lenders, noted_lenders
from gistrec.pipeline.manifest import Facts, read_manifest
from gistrec.pipeline.stage import Build, partial_folder, run_stage


class Toy(StageConfig):
    steps: int = 3


def writes(text: str) -> Build:
    def build(folder: Path) -> Facts:
        write_text(folder / "deep" / "out.txt", text)
        write_text(folder / "deep" / "manifest.json", "a file of the stage's own")
        return {"text": text}

    return build


def refuses(_: Path) -> Facts:
    raise AssertionError("was built")


def borrower(tmp_path: Path, *lenders: str) -> Path:
    run = tmp_path / "lender" / "variants" / "borrower"
    note_lenders(run, [tmp_path / name for name in lenders or ("lender",)])
    return run


def test_a_stage_that_a_lender_has_is_linked_and_not_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lent = run_stage(tmp_path / "lender", "a", Toy(), {"data": "x"}, writes("one"))
    taken = run_stage(borrower(tmp_path), "a", Toy(), {"data": "x"}, refuses)
    for file in ("deep/out.txt", "deep/manifest.json", "manifest.json"):
        assert (taken / file).samefile(lent / file)
    assert read_manifest(taken) == read_manifest(lent)
    assert f"a: taken over from {tmp_path / 'lender'}" in capsys.readouterr().err
    run_stage(borrower(tmp_path), "a", Toy(), {"data": "x"}, refuses)
    assert "a: stands already" in capsys.readouterr().err


def test_what_the_lender_does_later_does_not_reach_the_borrower(tmp_path: Path) -> None:
    run_stage(tmp_path / "lender", "a", Toy(), {}, writes("one"))
    taken = run_stage(borrower(tmp_path), "a", Toy(), {}, refuses)
    before = read_manifest(taken)
    again = run_stage(tmp_path / "lender", "a", Toy(steps=4), {}, writes("two"))
    write_text(again / "deep" / "out.txt", "three")
    assert (taken / "deep" / "out.txt").read_text() == "one"
    assert read_manifest(taken) == before


def test_a_borrower_that_goes_on_alone_leaves_the_lender_as_it_is(tmp_path: Path) -> None:
    lent = run_stage(tmp_path / "lender", "a", Toy(), {}, writes("one"))
    run_stage(borrower(tmp_path), "a", Toy(), {}, refuses)
    own = run_stage(borrower(tmp_path), "a", Toy(steps=4), {}, writes("own"))
    assert (own / "deep" / "out.txt").read_text() == "own"
    assert (lent / "deep" / "out.txt").read_text() == "one"


@pytest.mark.parametrize("config", [Toy(steps=4), Toy()])
def test_only_the_very_same_stage_is_taken(tmp_path: Path, config: Toy) -> None:
    run_stage(tmp_path / "lender", "a", Toy(), {"data": "x"}, writes("one"))
    inputs = {"data": "y"} if config == Toy() else {"data": "x"}
    built = run_stage(borrower(tmp_path), "a", config, inputs, writes("own"))
    assert (built / "deep" / "out.txt").read_text() == "own"


def test_the_first_lender_that_has_it_lends(tmp_path: Path) -> None:
    second = run_stage(tmp_path / "second", "a", Toy(), {}, writes("one"))
    run_stage(tmp_path / "first", "a", Toy(steps=9), {}, writes("other"))
    taken = run_stage(borrower(tmp_path, "gone", "first", "second"), "a", Toy(), {}, refuses)
    assert (taken / "deep" / "out.txt").samefile(second / "deep" / "out.txt")


def test_a_disk_without_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError("no links here")

    lent = run_stage(tmp_path / "lender", "a", Toy(), {}, writes("one"))
    monkeypatch.setattr(os, "link", no_links)
    taken = run_stage(borrower(tmp_path), "a", Toy(), {}, refuses)
    assert (taken / "deep" / "out.txt").read_text() == "one"
    assert not (taken / "deep" / "out.txt").samefile(lent / "deep" / "out.txt")


def test_taking_over_that_was_killed_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stage(tmp_path / "lender", "a", Toy(), {}, writes("one"))
    run, link, calls = borrower(tmp_path), os.link, []

    def killed(source: str, target: str) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        link(source, target)

    monkeypatch.setattr(os, "link", killed)
    with pytest.raises(KeyboardInterrupt):
        run_stage(run, "a", Toy(), {}, refuses)
    assert partial_folder(run, "a").exists()
    taken = run_stage(run, "a", Toy(), {}, refuses)
    assert (taken / "deep" / "out.txt").read_text() == "one"
    assert not partial_folder(run, "a").exists()


def test_a_folder_moved_with_its_lender_still_knows_it(tmp_path: Path) -> None:
    borrower(tmp_path)
    (tmp_path / "lender").rename(tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / "variants" / "borrower"
    assert noted_lenders(moved) == [tmp_path / "elsewhere"]
    assert noted_lenders(tmp_path) == []


def test_a_damaged_note_is_named(tmp_path: Path) -> None:
    run = borrower(tmp_path)
    (run / ".lenders.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"\.lenders\.json is damaged"):
        run_stage(run, "a", Toy(), {}, writes("one"))
