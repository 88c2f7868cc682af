"""Engines that tell tastes, and what they are asked about."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from gistrec.config.taste import TasteConfig
from gistrec.errors import EngineError
from gistrec.files import fingerprint_of
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Answer, Question
from gistrec.mllm.prompts import Nouns
from gistrec.taste.telling import Teller, telling

NOUNS = Nouns("item", "bought")
WHO = Answering("a model", "an adapter", "identity")
COLOURS, KINDS = ("red", "blue", "green"), ("sofa", "lamp", "chair")
ITEMS = [f"{colour} {kind}" for colour in COLOURS for kind in KINDS]
RECURRENT = TasteConfig(kind="recurrent", block=3, words=6, max_new_tokens=8)


class Counting:
    """A real model's place taken by a rule: an answer that only the question decides."""

    name = "counting"

    def __init__(
        self,
        rule: Callable[[str], str] = lambda text: f"likes {fingerprint_of(text)}",
        patience: int = 10**6,
        room: int | None = None,
        cut: bool = False,
    ) -> None:
        self.rule, self.patience, self.room, self.cut = rule, patience, room, cut
        self.asked: list[str] = []
        self.together: list[int] = []

    def answer(
        self, questions: Sequence[Question], max_new_tokens: int
    ) -> Iterator[tuple[int, Answer]]:
        self.together.append(len(questions))
        for number in reversed(range(len(questions))):
            if len(self.asked) == self.patience:
                raise EngineError("gone")
            self.asked.append("".join(map(str, questions[number].segments)))
            yield number, Answer(self.rule(self.asked[-1]), self.cut)

    def count(self, text: str) -> int:
        return len(text.split())


def teller_of(
    engine: Counting, journal: Path, config: TasteConfig = RECURRENT
) -> AbstractContextManager[Teller]:
    return telling(engine, ITEMS, NOUNS, config, journal, WHO)
