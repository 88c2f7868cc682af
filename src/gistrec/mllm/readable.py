"""Tokens as a person reads them: decoded from their ids, each image named and counted."""

from collections.abc import Callable

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Tokens


def readable(backbone: Backbone, tokens: Tokens, name_of: Callable[[int], str]) -> str:
    """The text of token ids, marks of the chat included.

    Args:
        backbone: whose tokens.
        tokens: what is shown.
        name_of: what the item whose image stands there is called.
    """
    mark, ids, pictures = backbone.family.image_token_id, tokens.ids, iter(tokens.images)
    parts: list[str] = []
    start = at = 0
    while at < len(ids):
        if ids[at] != mark:
            at += 1
            continue
        picture = next(pictures)
        count = picture.rows * picture.columns
        parts += [
            _text(backbone, ids[start:at]),
            f'[image of "{name_of(picture.code)}": {count} tokens]',
        ]
        start = at = at + count
    return "".join([*parts, _text(backbone, ids[start:])])


def _text(backbone: Backbone, ids: tuple[int, ...]) -> str:
    return str(
        backbone.processor.tokenizer.decode(
            list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
    )
