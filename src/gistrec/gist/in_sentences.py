"""Items in sentences: the image described, the text summarised, the two joined (MLLM-MSR).

Departures from the paper:
1. Every sentence has a limit in words, the same for image and text, so that long texts do not drown
   images; what is longer is cut after that word.
2. An item with one modality alone is told by its one sentence; nothing is joined.
3. An answer that is no sentence, or says nothing, is asked for once more, then given up. Where that
   happens to the joined one, the two stand one after the other, cut evenly to the same limit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.gist.asking import About, Ask, Catalogue, Said
from gistrec.mllm import prompts
from gistrec.mllm.answers import sentence
from gistrec.mllm.engines.told import Told
from gistrec.mllm.shortening import text_segments
from gistrec.mllm.word_cuts import cut, evenly, words_in
from gistrec.text.words import tells


@dataclass(frozen=True)
class InSentences:
    """The questions about a catalogue.

    Attributes:
        count: how many tokens a text takes.
    """

    catalogue: Catalogue
    config: GistConfig
    count: Callable[[str], int]

    def first(self) -> list[Ask]:
        """One for each modality of each item."""
        return self.catalogue.modalities(self.config.image_words > 0, self.config.text_words > 0)

    def then(self, said: Mapping[Ask, Said | None]) -> list[Ask]:
        """One for each item with two sentences."""
        seen = {ask.code: told[0] for ask, told in said.items() if ask.about == "image" and told}
        read = {ask.code: told[0] for ask, told in said.items() if ask.about == "text" and told}
        both = (code for code in seen if code in read)
        return [Ask("both", code, told=(seen[code], read[code])) for code in both]

    def segments(self, ask: Ask) -> list[prompts.Segment]:
        """What the model is asked."""
        most = self._most(ask.about)
        segments = self._asked(ask, most)
        return prompts.insisted_sentence(segments, most) if ask.again else segments

    def read(self, ask: Ask, answer: Told) -> Said | None:
        """The sentence of an answer."""
        found = sentence(answer.text, self._most(ask.about), answer.cut)
        return (found,) if found is not None and tells(found) else None

    def columns(self, said: Mapping[tuple[About, int], Said | None]) -> dict[str, list[object]]:
        """The sentences, null where there is none."""
        codes = range(len(self.catalogue.item_ids))

        def of(about: About, code: int) -> str | None:
            told = said.get((about, code))
            return told[0] if told else None

        return {
            schema.IMAGE_SENTENCE: [of("image", code) for code in codes],
            schema.TEXT_SENTENCE: [of("text", code) for code in codes],
            schema.SUMMARY: [
                of("both", code) or self._side_by_side(of("image", code), of("text", code))
                for code in codes
            ],
        }

    def _asked(self, ask: Ask, most: int) -> list[prompts.Segment]:
        if ask.told is not None:
            return prompts.joined_sentence(*ask.told, most)
        if ask.about == "image":
            return prompts.image_sentence(ask.code, most)
        return text_segments(
            self.count,
            self.catalogue.titles[ask.code],
            self.catalogue.texts[ask.code],
            self.config.max_text_tokens,
            lambda title, text: prompts.text_sentence(title, text, most),
        )

    def _most(self, about: About) -> int:
        """How many words its answer may take."""
        chosen = self.config
        limits = {"image": chosen.image_words, "text": chosen.text_words}
        return limits.get(about, chosen.summary_words)

    def _side_by_side(self, seen: str | None, read: str | None) -> str | None:
        """One after the other; None where there is neither."""
        parts = seen or "", read or ""
        image, text = (len(words_in(part)) for part in parts)
        kept = evenly(image, text, self.config.summary_words)
        lines = [cut(part, most) for part, most in zip(parts, kept, strict=True)]
        return " ".join(filter(None, lines)) or None
