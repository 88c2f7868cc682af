from pathlib import Path

import pytest

from gistrec.gist.journal import Journal
from gistrec.mllm.engines.engine import Answer

FIRST, SECOND = Answer("rot, grün\nSofa", False), Answer('"half', True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "deep" / "answers.jsonl"
    with Journal.open(file) as journal:
        journal.add("image 1", FIRST)
        journal.add("text 1", SECOND)
    return file


def test_answers_are_there_again(file: Path) -> None:
    with Journal.open(file) as journal:
        assert (journal["image 1"], journal["text 1"]) == (FIRST, SECOND)
        assert "image 2" not in journal


def test_an_answer_is_on_disk_at_once(file: Path) -> None:
    with Journal.open(file) as journal:
        journal.add("image 2", FIRST)
        with Journal.open(file) as other:
            assert other["image 2"] == FIRST


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_half_a_line_is_as_if_it_were_not(file: Path, kept: int) -> None:
    """However much of the last line was written, what came before it stands."""
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    file.write_bytes(whole[: min(first + kept, len(whole) - 1)])
    with Journal.open(file) as journal:
        assert journal["image 1"] == FIRST
        assert "text 1" not in journal
        journal.add("text 1", SECOND)
    assert file.read_bytes() == whole
