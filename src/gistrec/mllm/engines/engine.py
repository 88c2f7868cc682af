"""What answers questions in words: a model in this process, or a server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

from gistrec.mllm.answers import BROKEN
from gistrec.mllm.prompts import Segment


@dataclass(frozen=True)
class Question:
    """What a user's turn of a chat says: texts and images of items."""

    segments: tuple[Segment, ...]


class Answer(NamedTuple):
    """What was answered, and whether the limit of tokens cut it off."""

    text: str
    cut: bool

    @classmethod
    def of(cls, text: str, cut: bool) -> Self:
        """An answer as it was decoded: of half a character at a cut, nothing is left."""
        return cls(text.rstrip(BROKEN) if cut else text, cut)

    @classmethod
    def read(cls, told: object) -> Self:
        """From the list that JSON makes of one.

        Raises:
            ValueError: it is none.
        """
        match told:
            case [str(text), bool(cut)]:
                return cls(text, cut)
        raise ValueError("no answer with a mark whether it was cut off")


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn; the same question draws the same answer in any batch.

    Attributes:
        temperature: what logits are divided by; above 0.
        seed: of the draws; a question asked twice at once draws anew the second time.
    """

    temperature: float = 1.0
    seed: int = 0


class Engine(Protocol):
    """Answers questions with what is most likely, or drawn; the same question, the same answer."""

    @property
    def name(self) -> str:
        """How people know it."""
        ...

    @property
    def room(self) -> int | None:
        """Tokens that a question's texts and its answer may take; None where that is not known."""
        ...

    def answer(
        self, questions: Sequence[Question], max_new_tokens: int
    ) -> Iterator[tuple[int, Answer]]:
        """Yield (number of the question, its answer) for every question, in any order.

        Raises:
            EngineError: a server does not answer, or cannot.
        """
        ...

    def count(self, text: str) -> int:
        """How many tokens a text takes, at least roughly."""
        ...
