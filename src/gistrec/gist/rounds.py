"""Questions about a catalogue asked in rounds, every answer kept as it comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gistrec.gist.asking import Ask, Catalogue, Said, Style, key_of, question_of
from gistrec.mllm.engines.asked import ask_all
from gistrec.mllm.engines.engine import Engine, Question
from gistrec.mllm.engines.journal import Journal
from gistrec.mllm.engines.told import Told
from gistrec.progress import track


@dataclass(frozen=True, eq=False)
class Rounds:
    """Asks, and holds what was said.

    Attributes:
        engine: who is asked.
        style: what is asked, and what answers come to.
        catalogue: the items.
        identity: stands for the engine's model.
        max_new_tokens: where an answer is cut.
        journal: open.
        known: answers of an earlier table, taken over where they are asked for.
        keys: under which each answer stands in the journal.
        said: what each question came to.
    """

    engine: Engine
    style: Style
    catalogue: Catalogue
    identity: str
    max_new_tokens: int
    journal: Journal[Told]
    known: Mapping[str, Told]
    keys: dict[Ask, str] = field(default_factory=dict)
    said: dict[Ask, Said | None] = field(default_factory=dict)

    def ask(self, wanted: Sequence[Ask], what: str) -> int:
        """Ask, and once more what was answered by something else; returns how many these were."""
        self._ask(wanted, what)
        missed = [ask for ask in wanted if self.said[ask] is None]
        again = [Ask(ask.about, ask.code, again=True, told=ask.told) for ask in missed]
        self._ask(again, f"{what}, asked again")
        return len(again)

    def _ask(self, wanted: Sequence[Ask], what: str) -> None:
        questions: dict[str, Question] = {}
        for ask in track(wanted, f"{what}: questions"):
            segments = self.style.segments(ask)
            key = key_of(segments, self.catalogue, self.identity, self.max_new_tokens)
            self.keys[ask] = key
            if key not in self.journal:
                questions.setdefault(key, question_of(segments))
        for key in [key for key in questions if key in self.known]:
            self.journal.add(key, self.known[key])
            del questions[key]
        told = ask_all(self.engine, questions, self.journal, self.max_new_tokens)
        for _ in track(told, what, len(questions)):
            pass
        for ask in wanted:
            self.said[ask] = self.style.read(ask, self.journal[self.keys[ask]])
