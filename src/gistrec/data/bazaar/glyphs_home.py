"""Drawings of goods for the house."""

from typing import Final

from gistrec.data.bazaar.shapes import (
    METAL,
    TRIM,
    Part,
    band,
    bar,
    cup,
    disc,
    dome,
    poly,
    rect,
)

MUG = (
    band(68, 50, 22, 20, -90, 90, 8, TRIM),
    rect(22, 20, 68, 82),
    disc(45, 20, 23, 6, TRIM),
)
TEAPOT = (
    band(24, 54, 18, 20, 90, 270, 7, TRIM),
    poly((70, 60), (88, 34), (97, 34), (78, 74), fill=TRIM),
    disc(50, 58, 31, 26),
    dome(50, 36, 18, 10, TRIM),
    disc(50, 24, 5, fill=TRIM),
    rect(36, 82, 64, 88, TRIM),
)
BOWL = (
    cup(50, 40, 44, 40),
    disc(50, 40, 44, 8, TRIM),
    rect(36, 80, 64, 87, TRIM),
)
BOTTLE = (
    rect(42, 4, 58, 12, METAL),
    rect(44, 12, 56, 34, TRIM),
    poly((44, 30), (56, 30), (70, 46), (70, 96), (30, 96), (30, 46)),
)
VASE = (
    bar(50, 30, 36, 8, 3),
    bar(50, 30, 64, 8, 3),
    disc(35, 8, 7, fill=METAL),
    disc(65, 8, 7, fill=METAL),
    poly((38, 26), (62, 26), (57, 38), (76, 56), (74, 76), (62, 94), (38, 94), (26, 76), (24, 56),
         (43, 38)),
)  # fmt: skip
LAMP = (
    bar(50, 50, 50, 92, 5),
    rect(30, 89, 70, 96, METAL),
    poly((34, 6), (66, 6), (86, 54), (14, 54)),
)
CANDLE = (
    poly((50, 2), (57, 14), (50, 22), (43, 14), fill=METAL),
    bar(50, 20, 50, 30, 3),
    rect(35, 28, 65, 84),
    poly((12, 82), (88, 82), (76, 94), (24, 94), fill=METAL),
)
CLOCK = (
    disc(26, 16, 12, fill=TRIM),
    disc(74, 16, 12, fill=TRIM),
    bar(30, 84, 20, 97, 7),
    bar(70, 84, 80, 97, 7),
    disc(50, 53, 39),
    bar(50, 55, 50, 26, 6),
    bar(48, 53, 72, 62, 6),
)
CHAIR = (
    bar(30, 60, 26, 97, 6),
    bar(74, 60, 80, 97, 6),
    poly((24, 4), (52, 4), (54, 56), (26, 56)),
    poly((24, 52), (82, 52), (84, 68), (22, 68)),
)
TABLE = (
    bar(18, 50, 14, 92, 7),
    bar(82, 50, 86, 92, 7),
    poly((16, 28), (84, 28), (97, 46), (3, 46)),
    rect(3, 46, 97, 62),
)
SOFA = (
    bar(18, 80, 16, 92, 6),
    bar(82, 80, 84, 92, 6),
    rect(16, 24, 84, 60),
    rect(16, 58, 84, 80),
    rect(2, 42, 18, 82, TRIM),
    rect(82, 42, 98, 82, TRIM),
)
BED = (
    bar(8, 30, 8, 88, 8),
    bar(93, 54, 93, 88, 7),
    poly((12, 42), (34, 38), (36, 52), (12, 52), fill=METAL),
    poly((10, 50), (36, 46), (94, 50), (94, 80), (10, 80)),
)

HOME: Final[dict[str, tuple[Part, ...]]] = {
    "mug": MUG,
    "teapot": TEAPOT,
    "bowl": BOWL,
    "bottle": BOTTLE,
    "vase": VASE,
    "lamp": LAMP,
    "candle": CANDLE,
    "clock": CLOCK,
    "chair": CHAIR,
    "table": TABLE,
    "sofa": SOFA,
    "bed": BED,
}
