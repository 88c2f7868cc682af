"""The engine that asks a server: vLLM, SGLang, `transformers serve`, any of the OpenAI protocol.

Answers are those of the local engine where nothing but the model decides them: vLLM and SGLang take
a model's own penalties from its generation_config.json unless they are started without it (vLLM:
`--generation-config vllm`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gistrec.config.engine import EngineConfig
from gistrec.errors import EngineError
from gistrec.mllm.engines.client import Client, no_images
from gistrec.mllm.engines.engine import Answer, Question, Sampling
from gistrec.mllm.engines.messages import ImageOf, messages
from gistrec.mllm.engines.probe import takes_images
from gistrec.mllm.engines.side_by_side import side_by_side
from gistrec.mllm.prompts import ItemImage

_BYTES_A_TOKEN = 3  # English text takes about 4 bytes a token, Chinese 3: rather too many tokens


@dataclass(frozen=True, eq=False)
class ServerEngine:
    """One model of one server.

    Attributes:
        config: where, whom and how patiently.
        image_of: an item's encoded image; it travels within the request.
        sampling: how answers are drawn; None for the likeliest. How far the same seed draws the
            same answer is the server's affair.
    """

    config: EngineConfig
    image_of: ImageOf
    sampling: Sampling | None = None

    @property
    def name(self) -> str:
        """How people know it."""
        return f"server, {self.config.model}"

    @property
    def room(self) -> None:
        """Not known: the protocol does not tell."""
        return None

    def answer(
        self, questions: Sequence[Question], max_new_tokens: int
    ) -> Iterator[tuple[int, Answer]]:
        """Yield (number of the question, its answer) as the server answers.

        Raises:
            EngineError: it does not answer, or cannot.
            DataError: an image of an item cannot be read.
        """
        with Client.open(self.config) as client:
            if any(isinstance(part, ItemImage) for one in questions for part in one.segments):
                self._refuse_blind(client)

            def ask(number: int) -> Answer:
                body = {
                    "messages": messages(questions[number].segments, self.image_of),
                    **_drawn(self.sampling),
                    # Models bring penalties of their own; `transformers serve` drops them for this.
                    "frequency_penalty": 0,
                    "max_completion_tokens": max_new_tokens,
                }
                choice = client.chat(body)
                return Answer.of(
                    _words(choice.get("message")), choice.get("finish_reason") == "length"
                )

            yield from side_by_side(ask, len(questions), self.config.concurrency, client.stopped)

    def count(self, text: str) -> int:
        """About how many tokens a text takes; the server's own tokens are not known here."""
        return math.ceil(len(text.encode()) / _BYTES_A_TOKEN)

    def _refuse_blind(self, client: Client) -> None:
        if takes_images(client) is False:
            raise EngineError(no_images(client.base, str(self.config.model)))


def open_server_engine(
    config: EngineConfig, image_of: ImageOf, sampling: Sampling | None = None
) -> ServerEngine:
    """An engine for a server, which is not contacted before it is asked.

    Raises:
        EngineError: the variable that is to hold the key is not set.
    """
    with Client.open(config):
        return ServerEngine(config, image_of, sampling)


def _drawn(sampling: Sampling | None) -> dict[str, float | int]:
    if sampling is None:
        return {"temperature": 0}
    return {"temperature": sampling.temperature, "seed": sampling.seed}


def _words(message: object) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""
