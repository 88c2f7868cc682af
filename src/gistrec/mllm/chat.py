"""The chat's frame: what a template puts around a user's words, an image and an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gistrec.errors import BackboneError

_AHEAD, _MARK = "gistrec marks what stands ahead", "gistrec marks the place"
_ANSWER = "gistrec marks the answer"
_ADVICE = "use an instruction-tuned model (its name often ends in -Instruct, -it or -hf)"


@dataclass(frozen=True)
class Frame:
    """What a chat template writes, as text.

    Attributes:
        before, after: around a user's words, up to the first token of the answer.
        before_image: as ``before``, where an image comes first.
        image: in place of an image, the family's placeholder in it.
        gap: the spaces that stand between ``before`` and the first words.
        lead: what stands between ``after`` and an answer.
        end: behind an answer.
    """

    before: str
    before_image: str
    after: str
    image: str
    gap: str
    lead: str
    end: str


def read_frame(tokenizer: Any, template: str | None, placeholder: str) -> Frame:
    """Find out what a template writes by letting it write marks.

    Args:
        tokenizer: renders the template.
        template: the processor's own; None where it has none.
        placeholder: what the family's template writes for an image.

    Raises:
        BackboneError: no template, one that takes no image, or one that changes a user's words.
    """
    if not template:
        raise BackboneError(f"the backbone has no chat template; {_ADVICE}")

    def rendered(*turns: tuple[str, list[dict[str, str]]], prompt: bool) -> str:
        messages = [{"role": role, "content": content} for role, content in turns]
        try:
            text = tokenizer.apply_chat_template(
                messages, chat_template=template, tokenize=False, add_generation_prompt=prompt
            )
        except Exception as error:  # a template may raise whatever it likes
            raise BackboneError(
                f"the backbone's chat template cannot be used: {error}; {_ADVICE}"
            ) from error
        return str(text)

    asked = {"type": "text", "text": _MARK}
    plain = rendered(("user", [asked]), prompt=True)
    before, found, after = plain.partition(_MARK)
    if not found:
        raise BackboneError(f"the backbone's chat template drops a user's words; {_ADVICE}")
    image = _image(rendered, before, placeholder, asked)
    head = rendered(("user", [{"type": "image"}, asked]), prompt=True).partition(_MARK)[0]
    # Idefics3's template writes a space less before an image than before a word.
    before_image = head.removesuffix(image) if head.endswith(image) else before
    lead, end = _around_answer(rendered, asked, plain)
    words = before.rstrip(" ")  # the spaces belong to the first word's token
    return Frame(words, before_image, after, image, before[len(words) :], lead, end)


def _image(
    rendered: Callable[..., str], before: str, placeholder: str, asked: dict[str, str]
) -> str:
    """What the template writes for an image: where it stands, or, as LLaVA's, before all words."""
    ahead = {"type": "text", "text": _AHEAD}
    shown = rendered(("user", [ahead, {"type": "image"}, asked]), prompt=True)
    head, _, behind = shown.partition(_AHEAD)
    for image in (behind.partition(_MARK)[0], head.removeprefix(before)):
        if placeholder in image:
            return image
    raise BackboneError(
        f"the backbone's chat template does not write {placeholder!r} for an image; it may be "
        f"that of a text-only model: {_ADVICE}"
    )


def _around_answer(
    rendered: Callable[..., str], asked: dict[str, str], plain: str
) -> tuple[str, str]:
    """The spaces before an answer and what stands behind it; nothing where none is taken."""
    answer = {"type": "text", "text": _ANSWER}
    try:
        text = rendered(("user", [asked]), ("assistant", [answer]), prompt=False)
    except BackboneError:
        return "", ""
    head, _, end = text.partition(_ANSWER)
    lead = head.removeprefix(plain)
    return lead if head.startswith(plain) and not lead.strip(" ") else "", end
