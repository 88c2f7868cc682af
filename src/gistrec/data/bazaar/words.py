"""The bazaar's own words: attributes, makers, sentences."""

from typing import Final

from gistrec.data.bazaar.drawing import COLOURS, KINDS, PATTERNS

STYLES: Final = ("rustic", "modern", "vintage", "classic", "playful", "nordic")
MATERIALS: Final = ("bamboo", "cork", "linen", "leather", "wool")
CIRCLES: Final = ("north", "south", "east", "west", "hill", "coast")

KIND: Final = "kind"  # in image and title
COLOUR: Final = "colour"  # in the image alone
PATTERN: Final = "pattern"  # in the image alone
STYLE: Final = "style"  # in the text alone
MATERIAL: Final = "material"  # in the text alone
CIRCLE: Final = "circle"  # in neither: only those who buy together know

VALUES: Final[dict[str, tuple[str, ...]]] = {
    KIND: KINDS,
    COLOUR: COLOURS,
    PATTERN: PATTERNS,
    STYLE: STYLES,
    MATERIAL: MATERIALS,
    CIRCLE: CIRCLES,
}

MAKERS: Final = (
    "Harlow", "Tindal", "Marsh", "Kestrel", "Alder", "Bramble", "Cobden", "Dunmore", "Ellery",
    "Fenwick", "Garrick", "Holloway", "Ingram", "Jessop", "Kirby", "Lomax", "Merton", "Norwood",
    "Oakley", "Pemberton", "Quill", "Rowan", "Selby", "Thorne", "Upton", "Verity", "Wexford",
    "Yarrow", "Abbot", "Calder",
)  # fmt: skip

SENTENCES: Final = (
    "A {style} piece made of {material}.",
    "Made of {material}, in a {style} manner.",
    "{Material} gives it a {style} look.",
    "{Style} design, worked in {material}.",
    "For lovers of {style} things, with fine {material}.",
    "Good {material} and a {style} touch.",
)
FILLERS: Final = (
    "",
    "",
    "Ships in two days.",
    "Packed without plastic.",
    "Made in small batches.",
    "Lasts for years with little care.",
    "A favourite gift.",
    "Each one is finished by hand.",
)
