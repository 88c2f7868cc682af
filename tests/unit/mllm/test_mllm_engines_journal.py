from pathlib import Path

import pytest

from gistrec.mllm.engines.engine import Answer
from gistrec.mllm.engines.journal import Journal

FIRST, SECOND = Answer("rot, grün\nSofa", False), Answer('"half', True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "deep" / "answers.jsonl"
    with Journal.open(file, Answer.read) as journal:
        journal.add("image 1", FIRST)
        journal.add("text 1", SECOND)
    return file


def test_answers_are_there_again(file: Path) -> None:
    with Journal.open(file, Answer.read) as journal:
        assert (journal["image 1"], journal["text 1"]) == (FIRST, SECOND)
        assert "image 2" not in journal


def test_an_answer_is_on_disk_at_once(file: Path) -> None:
    with Journal.open(file, Answer.read) as journal:
        journal.add("image 2", FIRST)
        with Journal.open(file, Answer.read) as other:
            assert other["image 2"] == FIRST


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_half_a_line_is_as_if_it_were_not(file: Path, kept: int) -> None:
    """However much of the last line was written, what came before it stands."""
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    file.write_bytes(whole[: min(first + kept, len(whole) - 1)])
    with Journal.open(file, Answer.read) as journal:
        assert journal["image 1"] == FIRST
        assert "text 1" not in journal
        journal.add("text 1", SECOND)
    assert file.read_bytes() == whole


def test_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "scores.jsonl", float) as journal:
        journal.add("a", 0.1 + 0.2)
    with Journal.open(tmp_path / "scores.jsonl", float) as journal:
        assert journal["a"] == 0.1 + 0.2


def test_what_is_no_answer_ends_what_is_kept(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text(lines[0] + '{"asked": "text 1", "answer": "plain"}\n', encoding="utf-8")
    with Journal.open(file, Answer.read) as journal:
        assert "image 1" in journal
        assert "text 1" not in journal
