"""Encoded images made small enough to keep: checked whole, shrunk, one orientation."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

_KEPT_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 90
_ORIENTATION = 0x0112  # the EXIF tag that says which side is up


class NotAnImageError(ValueError):
    """Bytes that cannot be decoded as an image; the message says why."""


def shrunk(data: bytes, side: int) -> bytes:
    """Encoded image whose longest side is at most ``side`` pixels.

    Small JPEG, PNG and WebP files stay as they are, byte for byte; all else becomes JPEG, on white.

    Raises:
        NotAnImageError: the bytes are damaged, cut short, or something else.
    """
    if not data:
        raise NotAnImageError("empty file")
    try:
        with Image.open(io.BytesIO(data)) as image:
            small = max(image.size) <= side
            upright = image.getexif().get(_ORIENTATION, 1) == 1
            if small and upright and image.format in _KEPT_FORMATS:
                image.load()
                return data
            image.draft("RGB", (2 * side, 2 * side))
            return _encoded(ImageOps.exif_transpose(image), side)
    except UnidentifiedImageError:
        raise NotAnImageError(f"not an image ({data[:8]!r}...)") from None
    # Pillow's decoders raise many types on damaged files; none of them is our fault.
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise NotAnImageError(f"damaged image ({error})") from None


def _encoded(image: Image.Image, side: int) -> bytes:
    if image.mode != "RGB":
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        image = Image.alpha_composite(ground, layered).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
