"""Questions put to an engine, every answer kept as it comes."""

import time
from collections.abc import Iterator, Mapping
from itertools import islice

from gistrec.mllm.engines.engine import Engine, Question
from gistrec.mllm.engines.journal import Journal
from gistrec.mllm.engines.told import Told

_AT_ONCE = 2048  # questions handed to the engine together; it sorts them by length


def ask_all(
    engine: Engine, questions: Mapping[str, Question], journal: Journal[Told], max_new_tokens: int
) -> Iterator[str]:
    """Put every answer into the journal, and yield the key under which it stands there.

    Args:
        engine: who is asked.
        questions: by the key under which the answer is kept.
        journal: open.
        max_new_tokens: where an answer is cut.

    Raises:
        EngineError: a server does not answer, or cannot.
    """
    waiting = iter(questions.items())
    while together := list(islice(waiting, _AT_ONCE)):
        last = time.monotonic()
        asked = [question for _, question in together]
        for number, answer in engine.answer(asked, max_new_tokens):
            now = time.monotonic()
            key = together[number][0]
            journal.add(key, Told(answer.text, answer.cut, round(now - last, 6)))
            last = now
            yield key
