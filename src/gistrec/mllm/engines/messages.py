"""Questions as chat messages: texts, and images within the request itself."""

import base64
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from gistrec.errors import DataError
from gistrec.mllm.prompts import ItemImage, Segment

ImageOf = Callable[[int], bytes | None]


def messages(segments: Sequence[Segment], image_of: ImageOf) -> list[dict[str, Any]]:
    """One user's turn; texts that follow one another are one part.

    Args:
        segments: of the question.
        image_of: an item's encoded image.

    Raises:
        DataError: an item has no image, or one that cannot be read.
    """
    parts: list[dict[str, Any]] = []
    for segment in segments:
        if isinstance(segment, ItemImage):
            url = _data_uri(image_of(segment.code), segment.code)
            parts.append({"type": "image_url", "image_url": {"url": url}})
        elif parts and parts[-1]["type"] == "text":
            parts[-1]["text"] += segment
        else:
            parts.append({"type": "text", "text": segment})
    return [{"role": "user", "content": parts}]


def _data_uri(data: bytes | None, code: int) -> str:
    if data is None:
        raise DataError(f"the item in row {code} of the catalogue has no image to be asked about")
    try:
        with Image.open(BytesIO(data)) as image:
            kind = Image.MIME[str(image.format)]
    except (OSError, KeyError, Image.DecompressionBombError) as error:
        raise DataError(
            f"the image of the item in row {code} of the catalogue cannot be read ({error}); "
            "`gistrec data check` lists all such images"
        ) from error
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
