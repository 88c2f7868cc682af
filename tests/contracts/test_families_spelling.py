"""A prompt written to a server reads as it is scored here, by each family's own processor."""

from itertools import pairwise

import pytest

from families.pair import Pair
from gistrec.errors import EngineError
from gistrec.mllm.engines.spelling import refuse_rewriting, spelled
from gistrec.mllm.prompts import ItemImage, Nouns, Segment, candidate, known_of_user

KNOWN = known_of_user(Nouns("item", "chose"), ["red sofa", "blue lamp, n. 7"], ["green chair"])
PROMPTS: dict[str, list[Segment]] = {
    "texts": [*KNOWN, *candidate(None, "Red sofa (2nd)", "red sofa")],
    "an image": [*KNOWN, *candidate(3, "Red sofa", "red sofa")],
    "an image alone": [*KNOWN, *candidate(1, "", "")],
}
REWRITTEN = {  # by their chat templates
    "gemma3": set(PROMPTS),  # trims texts
    "llava": {"an image", "an image alone"},  # puts images first
    "llava_next": {"an image", "an image alone"},
}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_joined_text_has_the_ids_of_its_pieces(pair: Pair, prompt: str) -> None:
    written = spelled(pair.backbone, PROMPTS[prompt])
    shown = [isinstance(part, ItemImage) for part in written]
    assert all(one or other for one, other in pairwise(shown))
    ours = pair.backbone.question(PROMPTS[prompt], pair.features.grid).ids
    assert pair.backbone.question(written, pair.features.grid).ids == ours


@pytest.mark.parametrize("prompt", PROMPTS)
def test_whoever_applies_the_template_reads_the_same_or_it_is_refused(
    pair: Pair, prompt: str
) -> None:
    segments, grids = PROMPTS[prompt], pair.features.grid
    theirs = pair.reference.ids(spelled(pair.backbone, segments), pair.pictures)
    if prompt in REWRITTEN.get(pair.family.name, ()):
        assert theirs != pair.backbone.question(segments, grids).ids
        with pytest.raises(EngineError, match="chat template changes prompts"):
            refuse_rewriting(pair.backbone, segments, grids)
    else:
        assert theirs == pair.backbone.question(segments, grids).ids
        refuse_rewriting(pair.backbone, segments, grids)
