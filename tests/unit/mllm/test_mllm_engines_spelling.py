import pytest

from gistrec.errors import EngineError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.spelling import refuse_rewriting, spelled
from gistrec.mllm.prompts import ItemImage
from servers.tiny_vllm import plain


def test_the_embedded_tokenizers_spaces_are_written_out(tiny_backbone: Backbone) -> None:
    segments = ["A user\n", "red sofa\n", ItemImage(1), "Lamp\n", "blue\n"]
    written = spelled(tiny_backbone, segments)
    assert written == ("a user\n red sofa\n", ItemImage(1), "lamp\n blue\n")
    assert tiny_backbone.text_ids("A user\nred sofa\n") != tiny_backbone.text_ids(str(written[0]))


def test_where_joining_changes_nothing_texts_stay_as_they_are(tiny_backbone: Backbone) -> None:
    written = spelled(plain(tiny_backbone), ["A user\n", "Red sofa\n", ItemImage(1)])
    assert written == ("A user\nRed sofa\n", ItemImage(1))
    assert spelled(plain(tiny_backbone), []) == ()


def test_a_text_that_no_spelling_saves_is_refused(tiny_backbone: Backbone) -> None:
    with pytest.raises(EngineError, match="reads this text otherwise when it is sent whole"):
        spelled(plain(tiny_backbone), ["so", "fa"])


def test_the_embedded_template_changes_nothing(tiny_backbone: Backbone) -> None:
    refuse_rewriting(
        tiny_backbone, ["A user\n", ItemImage(1), "Lamp\n", "blue\n"], lambda _: (2, 2)
    )
