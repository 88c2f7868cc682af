"""Drawings of goods to wear and to play with."""

from typing import Final

from gistrec.data.bazaar.shapes import (
    METAL,
    TRIM,
    Part,
    band,
    bar,
    cup,
    disc,
    poly,
    rect,
)

HAT = (
    disc(50, 72, 47, 12, TRIM),
    poly((27, 70), (32, 24), (42, 18), (58, 18), (68, 24), (73, 70)),
    poly((27, 70), (28, 60), (72, 60), (73, 70), fill=METAL),
)
SHIRT = (
    poly((34, 10), (44, 17), (56, 17), (66, 10), (97, 32), (85, 50), (74, 43), (74, 92), (26, 92),
         (26, 43), (15, 50), (3, 32)),
)  # fmt: skip
DRESS = (
    poly((37, 4), (43, 4), (45, 18), (55, 18), (57, 4), (63, 4), (66, 26), (60, 44), (86, 94),
         (14, 94), (40, 44), (34, 26)),
    rect(39, 41, 61, 48, METAL),
)  # fmt: skip
BOOT = (
    poly((28, 6), (60, 6), (60, 54), (90, 66), (95, 84), (28, 84)),
    rect(26, 6, 62, 16, TRIM),
    poly((28, 84), (96, 84), (96, 92), (52, 92), (50, 96), (28, 96), fill=METAL),
)
MITTEN = (
    disc(24, 52, 10, 18, TRIM),
    poly((26, 76), (26, 32), (30, 16), (42, 6), (60, 6), (72, 16), (76, 32), (76, 76)),
    rect(24, 74, 78, 95, TRIM),
)
BAG = (
    band(50, 38, 24, 32, 180, 360, 7, METAL),
    poly((16, 36), (84, 36), (94, 92), (6, 92)),
)
UMBRELLA = (
    bar(50, 8, 50, 84, 5),
    band(58, 82, 11, 14, 0, 180, 5, METAL),
    poly((3, 56), (10, 34), (26, 18), (50, 10), (74, 18), (90, 34), (97, 56), (82, 48), (66, 56),
         (50, 48), (34, 56), (18, 48)),
)  # fmt: skip
KITE = (
    bar(50, 72, 38, 88, 3),
    bar(38, 88, 62, 98, 3),
    poly((50, 2), (84, 32), (50, 76), (16, 32)),
    bar(50, 2, 50, 76, 2, TRIM),
    bar(16, 32, 84, 32, 2, TRIM),
)
BOAT = (
    bar(48, 4, 48, 76, 4),
    poly((52, 8), (92, 62), (52, 62)),
    poly((44, 20), (44, 62), (14, 62)),
    poly((4, 70), (96, 70), (80, 92), (20, 92), fill=METAL),
)
GUITAR = (
    bar(50, 6, 50, 60, 8),
    rect(42, 2, 58, 16, METAL),
    disc(50, 51, 20, 16),
    disc(50, 75, 29, 22),
    disc(50, 62, 8, fill=METAL),
)
DRUM = (
    bar(20, 4, 52, 30, 4),
    bar(80, 4, 48, 30, 4),
    rect(12, 36, 88, 82),
    cup(50, 82, 38, 10),
    disc(50, 36, 38, 11, TRIM),
)
BELL = (
    disc(50, 88, 10, fill=METAL),
    band(50, 14, 10, 11, 150, 390, 4, METAL),
    poly((50, 14), (64, 20), (72, 36), (75, 60), (90, 82), (10, 82), (25, 60), (28, 36), (36, 20)),
    rect(10, 76, 90, 84, TRIM),
)

AWAY: Final[dict[str, tuple[Part, ...]]] = {
    "hat": HAT,
    "shirt": SHIRT,
    "dress": DRESS,
    "boot": BOOT,
    "mitten": MITTEN,
    "bag": BAG,
    "umbrella": UMBRELLA,
    "kite": KITE,
    "boat": BOAT,
    "guitar": GUITAR,
    "drum": DRUM,
    "bell": BELL,
}
