"""One picture that shows what a dataset is like: items, and some users' histories."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gistrec.data.dataset import Dataset

_PAPER: Final = (252, 251, 248)
_FRAME: Final = (206, 202, 194)
_STRONG: Final = (40, 38, 36)
_SOFT: Final = (118, 114, 108)
_COLUMNS: Final = 8
_CELL: Final = 150  # pixels from one item to the next
_PICTURE: Final = 126  # pixels a side of an item's picture
_CAPTION: Final = 66  # pixels for the words beneath
_MARGIN: Final = 24
_HEAD: Final = 62
_SMALL: Final = 70  # pixels a side of a picture in a history
_STRIP: Final = _SMALL + 34  # pixels from one history to the next
_LONGEST: Final = 16  # items of a history that fit into its strip

_Place = tuple[int, int]
_Colour = tuple[int, int, int]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class _Sheet:
    """The picture while it is drawn."""

    picture: Image.Image
    pen: ImageDraw.ImageDraw

    def write(self, place: _Place, text: str, size: int, width: int, colour: _Colour) -> None:
        """One line of text, cut with an ellipsis where it would be wider than ``width``."""
        font = ImageFont.load_default(size)
        self.pen.text(place, _fitting(text, font, width), font=font, fill=colour)

    def paste(self, place: _Place, dataset: Dataset, code: int, side: int) -> None:
        """An item's picture in a frame, or an empty frame that says so."""
        x, y = place
        shown = _picture(dataset.image_bytes(code), side - 2)
        if shown is None:
            font = ImageFont.load_default(11)
            middle = (x + side / 2, y + side / 2)
            self.pen.text(middle, "no image", font=font, fill=_SOFT, anchor="mm")
        else:
            self.picture.paste(
                shown, (x + (side - shown.width) // 2, y + (side - shown.height) // 2)
            )
        self.pen.rounded_rectangle((x, y, x + side, y + side), radius=3, outline=_FRAME)


def contact_sheet(dataset: Dataset, n: int = 48, seed: int = 0, histories: int = 4) -> Image.Image:
    """A grid of ``n`` random items and the histories of some random users, oldest item left.

    Args:
        dataset: any dataset; items without image show an empty frame.
        n: how many items; all where there are fewer.
        seed: of the choice.
        histories: how many users; 0 leaves this part out.
    """
    rng = np.random.default_rng([seed, n])
    codes = rng.permutation(dataset.n_items)[:n]
    sequences = dataset.sequences()
    users = rng.permutation(len(sequences))[:histories]
    rows = -(-len(codes) // _COLUMNS)
    grid_end = _HEAD + rows * (_PICTURE + _CAPTION)
    height = grid_end + (40 + _STRIP * len(users) if len(users) else 0) + _MARGIN
    picture = Image.new("RGB", (2 * _MARGIN + _COLUMNS * _CELL, height), _PAPER)
    sheet = _Sheet(picture, ImageDraw.Draw(picture))
    _draw_head(sheet, dataset)
    for place, code in enumerate(codes.tolist()):
        row, column = divmod(place, _COLUMNS)
        _draw_item(
            sheet, (_MARGIN + column * _CELL, _HEAD + row * (_PICTURE + _CAPTION)), dataset, code
        )
    if len(users):
        sheet.write((_MARGIN, grid_end + 6), "Histories, oldest first", 17, 600, _STRONG)
    for place, user in enumerate(users.tolist()):
        where = (_MARGIN, grid_end + 40 + place * _STRIP)
        _draw_history(sheet, where, dataset, sequences.users[user], sequences[user].tolist())
    return picture


def _draw_head(sheet: _Sheet, dataset: Dataset) -> None:
    facts = f"{dataset.n_items:,} items, {dataset.n_users:,} users, "
    facts += f"{dataset.interactions.height:,} interactions"
    sheet.write((_MARGIN, 12), dataset.card.name, 20, 1000, _STRONG)
    sheet.write((_MARGIN, 38), facts, 12, 1000, _SOFT)


def _draw_item(sheet: _Sheet, place: _Place, dataset: Dataset, code: int) -> None:
    """Picture, title, and the first words of the text in two lines."""
    x, y = place
    sheet.paste(place, dataset, code, _PICTURE)
    title = dataset.title(code) or dataset.item_ids[code]
    sheet.write((x, y + _PICTURE + 4), title, 12, _CELL - 8, _STRONG)
    first, rest = _broken(dataset.text(code) or "no text", ImageFont.load_default(11), _PICTURE)
    sheet.write((x, y + _PICTURE + 22), first, 11, _PICTURE, _SOFT)
    sheet.write((x, y + _PICTURE + 36), rest, 11, _PICTURE, _SOFT)


def _draw_history(
    sheet: _Sheet, place: _Place, dataset: Dataset, user: str, codes: list[int]
) -> None:
    x, y = place
    left_out = len(codes) - _LONGEST
    note = f"{user}, {len(codes)} items" + (f", the last {_LONGEST}" if left_out > 0 else "")
    sheet.write((x, y), note, 12, 1000, _SOFT)
    for position, code in enumerate(codes[-_LONGEST:]):
        sheet.paste((x + position * (_SMALL + 5), y + 18), dataset, code, _SMALL)


def _picture(encoded: bytes | None, side: int) -> Image.Image | None:
    """The image within ``side`` pixels, small ones enlarged."""
    if encoded is None:
        return None
    with Image.open(io.BytesIO(encoded)) as opened:
        whole = opened.convert("RGB")
    scale = side / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    return whole.resize(size, Image.Resampling.LANCZOS)


def _fitting(text: str, font: _Font, width: int) -> str:
    """The text, or as much of its beginning as fits, with an ellipsis."""
    line = " ".join(text.split())
    if font.getlength(line) <= width:
        return line
    kept = min(len(line), width)  # no letter is narrower than a pixel
    while kept and font.getlength(line[:kept].rstrip() + "…") > width:
        kept -= 1
    return line[:kept].rstrip() + "…"


def _broken(text: str, font: _Font, width: int) -> tuple[str, str]:
    """The words that fit into a first line, and the rest."""
    words = text[: 4 * width].split()
    fit = 0
    while fit < len(words) and font.getlength(" ".join(words[: fit + 1])) <= width:
        fit += 1
    fit = max(fit, 1)
    return " ".join(words[:fit]), " ".join(words[fit:])
