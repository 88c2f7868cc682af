"""Items in keywords: those of the image and those of the text, asked for apart (MMSRARec 3.3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.gist.asking import About, Ask, Catalogue, Said
from gistrec.mllm import prompts
from gistrec.mllm.answers import keywords
from gistrec.mllm.engines.told import Told
from gistrec.mllm.shortening import text_segments


@dataclass(frozen=True)
class InKeywords:
    """The questions about a catalogue.

    Attributes:
        count: how many tokens a text takes.
    """

    catalogue: Catalogue
    config: GistConfig
    count: Callable[[str], int]

    def first(self) -> list[Ask]:
        """One for each modality of each item."""
        chosen = self.config
        return self.catalogue.modalities(chosen.image_keywords > 0, chosen.text_keywords > 0)

    def then(self, said: Mapping[Ask, Said | None]) -> list[Ask]:
        """None."""
        return []

    def segments(self, ask: Ask) -> list[prompts.Segment]:
        """What the model is asked."""
        if ask.about == "image":
            segments = prompts.image_keywords(ask.code)
        else:
            title, text = self.catalogue.titles[ask.code], self.catalogue.texts[ask.code]
            segments = text_segments(self.count, title, text, self.config.max_text_tokens)
        return prompts.insisted(segments, self._most(ask)) if ask.again else segments

    def read(self, ask: Ask, answer: Told) -> Said | None:
        """The keywords of an answer."""
        return keywords(answer.text, self._most(ask), answer.cut)

    def columns(self, said: Mapping[tuple[About, int], Said | None]) -> dict[str, list[object]]:
        """Lists of keywords, empty where there are none; no sentences."""
        codes = range(len(self.catalogue.item_ids))
        return {
            schema.IMAGE_KEYWORDS: [list(said.get(("image", code)) or ()) for code in codes],
            schema.TEXT_KEYWORDS: [list(said.get(("text", code)) or ()) for code in codes],
        }

    def _most(self, ask: Ask) -> int:
        """How many keywords of its answer are kept."""
        return self.config.image_keywords if ask.about == "image" else self.config.text_keywords
