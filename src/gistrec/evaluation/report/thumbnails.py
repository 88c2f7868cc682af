"""Images small enough to stand inside a page."""

import base64
import io


def thumbnail(image: bytes | None, side: int = 112) -> str:
    """An encoded image as a data URI of a WebP, no side longer than ``side`` pixels.

    "" where there is no image.
    """
    if image is None:
        return ""
    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        small = opened.convert("RGB")
    small.thumbnail((side, side))
    written = io.BytesIO()
    small.save(written, "WEBP", quality=80, method=4)
    return "data:image/webp;base64," + base64.b64encode(written.getvalue()).decode("ascii")
