"""One step of many tastes: what was chosen since, told after the preference before."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gistrec.config.taste import TasteConfig
from gistrec.files import fingerprint_of
from gistrec.mllm import prompts
from gistrec.mllm.answers import sentence
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.asked import ask_all
from gistrec.mllm.engines.engine import Engine, Question, Sampling
from gistrec.mllm.engines.journal import Journal, read_journal
from gistrec.mllm.engines.told import Told, with_shares
from gistrec.mllm.shortening import shortened
from gistrec.progress import track
from gistrec.text.words import tells

Codes = tuple[int, ...]
_LEAD = re.compile(r"^(?:prefers|perhaps|also)\b\s*")
_ALSO = re.compile(r"\s*also\b", re.IGNORECASE)


@dataclass(frozen=True)
class Step:
    """A preference, empty for none, and the items that came since, oldest first."""

    before: str
    items: Codes


@dataclass(frozen=True)
class After:
    """The preference after a step.

    Attributes:
        taste: in one line; the one before where no answer told any.
        valid: whether an answer told it.
        keys: under which the questions asked for it stand in the journal.
    """

    taste: str
    valid: bool
    keys: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Teller:
    """Asks an engine for preferences; nothing that it knows is asked for again.

    Attributes:
        engine: who is asked; it draws as ``sampling_of`` says.
        items: a line for each item of the catalogue.
        nouns: the dataset's words.
        config: how long a block is, an item's line, and an answer.
        who: the engine's model.
        answers: where every answer is kept as it comes.
        known: answers of an earlier table; what is used of them is put into ``answers`` too.
    """

    engine: Engine
    items: Sequence[str]
    nouns: prompts.Nouns
    config: TasteConfig
    who: Answering
    answers: Journal[Told]
    known: Mapping[str, Told]
    _lines: dict[int, str] = field(default_factory=dict, init=False, repr=False)

    @property
    def block(self) -> int:
        """Items of a block: without end where the whole history is told at once."""
        return sys.maxsize if self.config.kind == "direct" else self.config.block

    def after(self, steps: Sequence[Step], what: str) -> list[After]:
        """The preference after each step; an answer that tells none is asked for once more.

        Args:
            steps: in any order; equal ones are one question.
            what: that is done, for whoever waits.

        Raises:
            EngineError: a server does not answer, or cannot.
        """
        asked = {step: self._segments(step) for step in dict.fromkeys(steps)}
        keys = self._ask(asked, what)
        told = {step: self._told(key) for step, key in keys.items()}
        most = self.config.words
        again = {
            step: prompts.insisted_taste(asked[step], most)
            for step, taste in told.items()
            if taste is None
        }
        again_keys = self._ask(again, f"{what}, asked again")
        told |= {step: self._told(key) for step, key in again_keys.items()}
        found = {}
        for step, taste in told.items():
            used = (keys[step], again_keys[step]) if step in again_keys else (keys[step],)
            valid = taste is not None
            found[step] = After(step.before if taste is None else taste, valid, used)
        return [found[step] for step in steps]

    def _ask(self, asked: Mapping[Step, list[prompts.Segment]], what: str) -> dict[Step, str]:
        """See that every question is answered; the keys of the answers."""
        questions: dict[str, Question] = {}
        keys = {}
        for step, segments in asked.items():
            key = keys[step] = self._key(segments)
            if key in self.answers:
                continue
            if key in self.known:
                self.answers.add(key, self.known[key])
            else:
                questions[key] = Question(tuple(segments))
        told = ask_all(self.engine, questions, self.answers, self.config.max_new_tokens)
        for _ in track(told, what, len(questions)):
            pass
        return keys

    def _told(self, key: str) -> str | None:
        answer = self.answers[key]
        text, cut = _each_once(answer.text, answer.cut)
        told = sentence(text, self.config.words, cut)
        return told if told is not None and tells(told) else None

    def _segments(self, step: Step) -> list[prompts.Segment]:
        """The question; where the model reads no more, without the oldest items."""
        lines = [self._line(code) for code in step.items]
        if self.engine.room is not None:
            lines = lines[self._too_many(step.before, lines, self.engine.room) :]
        return prompts.taste_update(self.nouns, step.before, lines, self.config.words)

    def _too_many(self, before: str, lines: Sequence[str], room: int) -> int:
        """How many of the oldest lines find no room; the latest always has some."""
        most = self.config.words
        bare = prompts.insisted_taste(prompts.taste_update(self.nouns, before, [], most), most)
        room -= self.config.max_new_tokens
        room -= sum(self.engine.count(part) for part in bare if isinstance(part, str))
        for shown, line in enumerate(reversed(lines)):
            room -= self.engine.count(prompts.entry(line))
            if room < 0 and shown:
                return len(lines) - shown
        return 0

    def _line(self, code: int) -> str:
        """An item on one line, shortened."""
        if code not in self._lines:
            most, count = self.config.max_item_tokens, self.engine.count
            line = " ".join(self.items[code].split())
            self._lines[code] = shortened(line, lambda part: count(part) <= most)
        return self._lines[code]

    def _key(self, segments: Sequence[prompts.Segment]) -> str:
        """Stands for the model, the question and how it is answered."""
        drawn = sampling_of(self.config)
        limits = [self.config.max_new_tokens, prompts.PROMPT_VERSION]
        how = None if drawn is None else [drawn.temperature, drawn.seed]
        return fingerprint_of([self.who.identity, list(map(str, segments)), limits, how])


@contextmanager
def telling(
    engine: Engine,
    items: Sequence[str],
    nouns: prompts.Nouns,
    config: TasteConfig,
    journal: Path,
    who: Answering,
    earlier: Path | None = None,
) -> Iterator[Teller]:
    """A teller, while it may write its journal.

    Args:
        engine: who is asked.
        items: a line for each item of the catalogue.
        nouns: the dataset's words.
        config: of a kind that tells tastes.
        journal: where every answer is kept as it comes; one process writes it at a time.
        who: the engine's model.
        earlier: another journal, read only; what stands there is taken over.

    Raises:
        ValueError: tastes of the kind `none`.
    """
    if config.kind == "none":
        raise ValueError("tastes of the kind none are not told")
    known = with_shares(read_journal(earlier, Told.read)) if earlier else {}
    with Journal.open(journal, Told.read) as answers:
        yield Teller(engine, items, nouns, config, who, answers, known)


def sampling_of(config: TasteConfig) -> Sampling | None:
    """How an engine is to draw the answers; None takes the likeliest."""
    return Sampling(config.temperature, config.seed) if config.temperature else None


def _each_once(answer: str, cut: bool) -> tuple[str, bool]:
    """Without what a list says again: a small model goes on where it has nothing new to tell.

    Returns:
        The rest as it stands, and whether its end is still the one that was ``cut`` off.
    """
    said: set[str] = set()
    groups: list[str] = []
    new = False
    for group in answer.split(";"):
        kept = []
        for part in group.split(","):
            word = _bare(part)
            new = bool(word) and word not in said
            if word not in said:
                kept.append(part)
            said.update([word] if word else [])
        if any(map(_bare, kept)):
            led = _ALSO.match(group) and not _ALSO.match(kept[0])
            groups.append((" also" if led else "") + ",".join(kept))
    return ";".join(groups), cut and new


def _bare(part: str) -> str:
    """An entry of a list without what leads to it and ends it."""
    return _LEAD.sub("", part.strip(" .\n").lower())
