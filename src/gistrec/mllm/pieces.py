"""Token ids of pieces of a prompt, as they would stand in the middle of a text."""

from typing import Any

_LINE = "\n"


class Pieces:
    """Encodes text piece by piece, so that the same piece has the same ids wherever it stands.

    SentencePiece tokenizers put a space of their own before every text they are given. Here they
    are given a line break first, whose ids are taken off again.
    """

    def __init__(self, tokenizer: Any) -> None:
        """Look whether the tokenizer is one of those."""
        self._tokenizer = tokenizer
        begun = tokenizer.convert_ids_to_tokens(self._encoded("x", plain=True))
        self._line = self._encoded(_LINE, plain=True) if begun[0].startswith("\u2581") else ()

    def text(self, text: str) -> tuple[int, ...]:
        """Ids of a user's words: what spells out a mark or an end of turn stays text."""
        return self._inside(text, plain=True)

    def frame(self, text: str) -> tuple[int, ...]:
        """Ids of what a chat template writes, its marks included."""
        return self._inside(text, plain=False)

    def start(self, text: str) -> tuple[int, ...]:
        """Ids of what begins a prompt, with the token that begins every text of this model."""
        ids = self._encoded(text, plain=False)
        begin = self._tokenizer.bos_token_id
        first = self._tokenizer("x")["input_ids"][:1]
        return (begin, *ids) if begin is not None and first == [begin] != list(ids[:1]) else ids

    def _inside(self, text: str, plain: bool) -> tuple[int, ...]:
        ids = self._encoded(_LINE + text if self._line else text, plain)
        count = len(self._line)
        return ids[count:] if ids[:count] == self._line else self._encoded(text, plain)

    def _encoded(self, text: str, plain: bool) -> tuple[int, ...]:
        encoded = self._tokenizer(text, add_special_tokens=False, split_special_tokens=plain)
        return tuple(encoded["input_ids"])
