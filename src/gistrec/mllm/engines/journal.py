"""Answers as they came, line by line, so that whoever is killed asks for none of them again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Journal(Generic[T]):
    """A file of answers, by what was asked; one process writes it at a time."""

    _answers: dict[str, T]
    _stream: TextIOWrapper

    @classmethod
    @contextmanager
    def open(cls, file: Path, read: Callable[[Any], T]) -> Iterator["Journal[T]"]:
        """Read what ``file`` holds, if there is one, and go on after its last whole line.

        Args:
            file: made where absent.
            read: an answer from what JSON makes of it.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        answers, whole = _whole_lines(file, read)
        if file.exists():
            with file.open("r+b") as torn:
                torn.truncate(whole)
        with file.open("a", encoding="utf-8") as stream:
            yield cls(answers, stream)

    def __contains__(self, asked: str) -> bool:
        return asked in self._answers

    def __getitem__(self, asked: str) -> T:
        return self._answers[asked]

    def add(self, asked: str, answer: T) -> None:
        """Keep an answer, one that JSON can hold; it survives this process from here on."""
        self._answers[asked] = answer
        line = {"asked": asked, "answer": answer}
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()


def read_journal(file: Path, read: Callable[[Any], T]) -> dict[str, T]:
    """The answers of a journal that nobody writes, in the order in which they came.

    Args:
        file: may be absent.
        read: an answer from what JSON makes of it.
    """
    return _whole_lines(file, read)[0]


def _whole_lines(file: Path, read: Callable[[Any], T]) -> tuple[dict[str, T], int]:
    """Answers up to the first line that is none, and how many bytes they take."""
    answers: dict[str, T] = {}
    whole = 0
    if not file.exists():
        return answers, whole
    with file.open("rb") as lines:
        # Where its writer was killed, the last line may be half of one.
        for line in lines:
            if not line.endswith(b"\n"):
                break
            try:
                told = json.loads(line)
                answers[told["asked"]] = read(told["answer"])
            except (ValueError, KeyError, TypeError):
                break
            whole += len(line)
    return answers, whole
