from gistrec.mllm.backbone import Backbone
from gistrec.mllm.prompts import ItemImage
from gistrec.mllm.readable import readable

GRIDS = {3: (2, 2), 4: (1, 3)}
NAMES = {3: "Lamp", 4: "Sofa"}


def test_images_are_named_and_counted_where_they_stand(tiny_backbone: Backbone) -> None:
    shown = tiny_backbone.question(["red", ItemImage(3), ItemImage(4), "blue\n"], GRIDS.__getitem__)
    text = readable(tiny_backbone, shown, NAMES.__getitem__)
    around = "<fake_token_around_image>"
    lamp, sofa = '[image of "Lamp": 4 tokens]', '[image of "Sofa": 3 tokens]'
    assert text == (
        f"<user> red{around}<global-img>{lamp}{around}{around}<global-img>{sofa}{around} blue\n"
        "<end_of_utterance><assistant>"
    )


def test_images_that_touch_are_told_apart(tiny_backbone: Backbone) -> None:
    mark = tiny_backbone.family.image_token_id
    shown = tiny_backbone.tokens([ItemImage(3), ItemImage(4)], GRIDS.__getitem__)
    bare = type(shown)(tuple(token for token in shown.ids if token == mark), shown.images)
    lamp, sofa = '[image of "Lamp": 4 tokens]', '[image of "Sofa": 3 tokens]'
    assert readable(tiny_backbone, bare, NAMES.__getitem__) == lamp + sofa


def test_words_that_spell_an_image_mark_stay_words(tiny_backbone: Backbone) -> None:
    shown = tiny_backbone.tokens(["red <image> sofa"])
    assert "[image of" not in readable(tiny_backbone, shown, NAMES.__getitem__)
