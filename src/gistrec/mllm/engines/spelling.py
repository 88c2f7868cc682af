"""Prompts written such that a server, which joins texts, reads the very ids that are scored here.

Here a prompt is encoded piece by piece. Most tokenizers give a text the ids of its pieces, for a
piece ends with its line. The embedded backbone's puts a space before every text, which has to stand
in a joined text to be read. What a chat template changes (Gemma 3's trims texts, LLaVA's puts
images first) cannot be undone by spelling.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, groupby

from gistrec.errors import EngineError
from gistrec.mllm.backbone import Backbone, Grids
from gistrec.mllm.families.family import Grid
from gistrec.mllm.prompts import ItemImage, Segment


def spelled(backbone: Backbone, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The same prompt, texts that follow one another in one.

    Raises:
        EngineError: however it is written, the tokenizer reads a joined text otherwise.
    """
    written: list[Segment] = []
    for shown, run in groupby(segments, lambda segment: isinstance(segment, ItemImage)):
        parts = list(run)
        written += parts if shown else [_joined(backbone, list(map(str, parts)))]
    return tuple(written)


def refuse_rewriting(backbone: Backbone, segments: Sequence[Segment], grids: Grids) -> None:
    """See that the chat template, which a server applies, leaves a prompt as it is scored here.

    Raises:
        EngineError: it does not.
    """
    content: list[dict[str, str]] = []
    shown: list[Grid] = []
    for segment in spelled(backbone, segments):
        if isinstance(segment, ItemImage):
            content.append({"type": "image"})
            shown.append(grids(segment.code))
        else:
            content.append({"type": "text", "text": segment})
    processor, family = backbone.processor, backbone.family
    written = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=processor.chat_template,
        tokenize=False,
        add_generation_prompt=True,
    )
    first, *others = str(written).split(family.placeholder)
    for grid, text in zip(shown, others, strict=True):
        first += family.expansion(grid) + text
    if backbone.pieces.start(first) != backbone.question(segments, grids).ids:
        raise EngineError(
            "the model's chat template changes prompts (it trims texts, or puts images before "
            "them), so that a server would read others than were trained on: score in this process"
        )


def _joined(backbone: Backbone, texts: Sequence[str]) -> str:
    ids = tuple(chain.from_iterable(map(backbone.text_ids, texts)))
    for text in _ways(backbone, texts, ids):
        # Not by text_ids: that would keep every prompt there is.
        if backbone.pieces.text(text) == ids:
            return text
    raise EngineError(
        "the model's tokenizer reads this text otherwise when it is sent whole, as it is to a "
        f"server: {''.join(texts)[:80]!r}; score it in this process"
    )


def _ways(backbone: Backbone, texts: Sequence[str], ids: tuple[int, ...]) -> Iterable[str]:
    yield "".join(texts)
    decoded = backbone.processor.tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    yield decoded.removeprefix(" ")  # the tokenizer's own; a chat template may bring another
