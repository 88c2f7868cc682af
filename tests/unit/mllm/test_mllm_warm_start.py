from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import sparse

from gistrec.config.backbone import EmbeddedConfig
from gistrec.data.bazaar.drawing import COLOURS, KINDS, PATTERNS
from gistrec.errors import RunError
from gistrec.mllm import prompts, warm_start
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.generation import generate
from gistrec.mllm.lesson import Lesson, lesson_loss, mean_log_probs
from gistrec.mllm.primer import draw_primer, primer_words
from gistrec.mllm.retell import retell_lesson
from gistrec.mllm.vision.features import ImageFeatures

NOUNS = prompts.Nouns("item", "chose")
STYLES = ("rustic", "modern", "nordic")
TEXTS = [(f"{style} sofa", "made of cork") for style in STYLES for _ in range(8)]
TINY = EmbeddedConfig(
    width=32,
    layers=1,
    vision_width=32,
    vision_layers=1,
    vocabulary=700,
    primer_drawings=16,
    epochs=3,
    batch_size=8,
).model_copy(update={"invented_users": 0})


@pytest.fixture(scope="module")
def taught() -> Backbone:
    """A few seconds of schooling: enough for colours and texts, far too little for kinds."""
    torch.set_num_threads(1)
    more = {"width": 48, "layers": 2, "vision_width": 48, "primer_drawings": 400}
    config = TINY.model_copy(update={**more, "epochs": 4, "learning_rate": 3e-3})
    return warm_start.warm_start(TEXTS, NOUNS, config)[0]


def looked_at(backbone: Backbone, pictures: list[Image.Image]) -> list[tuple[str, ...]]:
    with torch.no_grad():
        prepared = backbone.family.prepare(pictures)
        found = backbone.family.look(prepared)
    seen = enumerate(zip([one.grid for one in prepared], found, strict=True))
    features = ImageFeatures.held(len(pictures), dict(seen))
    asked = [
        backbone.question(prompts.image_keywords(code), features.grid)
        for code in range(len(pictures))
    ]
    answers = dict(generate(backbone, asked, features, 16))
    return [prompts.parsed(answers[code], 6) for code in range(len(pictures))]


def test_colours_of_unseen_drawings_are_named(taught: Backbone) -> None:
    """Guessing names one in eight, 0.125."""
    unseen = draw_primer(100, 64, seed=999)
    named = looked_at(taught, [drawing.image for drawing in unseen])
    pairs = zip(unseen, named, strict=True)
    right = sum(drawing.words[1] in words for drawing, words in pairs) / len(unseen)
    assert right > 0.6


def test_telling_words_of_texts_are_named() -> None:
    """Each text's style, and no other's; guessing would be right for one in three."""
    config = {"primer_drawings": 0, "epochs": 25, "learning_rate": 5e-3}
    backbone, _ = warm_start.warm_start(TEXTS, NOUNS, TINY.model_copy(update=config))
    asked = [backbone.question(prompts.text_keywords(*text)) for text in TEXTS[::8]]
    nothing = ImageFeatures.none(1)
    answers = dict(generate(backbone, asked, nothing, 16))
    named = [set(prompts.parsed(answers[row], 6)) & set(STYLES) for row in range(len(STYLES))]
    assert named == [{style} for style in STYLES]


def test_a_resumed_warm_start_ends_as_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TINY.model_copy(update={"invented_users": 8})
    whole, _ = warm_start.warm_start(TEXTS, NOUNS, config)
    steps = len(range(0, 16, 8)) + len(range(0, len(TEXTS), 8))
    asked = 0

    def interrupted(
        backbone: Backbone, lessons: list[Lesson], features: torch.Tensor | None
    ) -> torch.Tensor:
        nonlocal asked
        asked += 1
        if asked == steps + 2:
            raise KeyboardInterrupt
        return lesson_loss(backbone, lessons, features)

    with monkeypatch.context() as patched:
        patched.setattr(warm_start, "lesson_loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            warm_start.warm_start(TEXTS, NOUNS, config, tmp_path / "c")
    resumed, _ = warm_start.warm_start(TEXTS, NOUNS, config, tmp_path / "c")
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[k]) for k, value in resumed.model.state_dict().items())
    with pytest.raises(RunError, match="belongs to another training"):
        warm_start.warm_start(TEXTS, prompts.Nouns("video", "watched"), config, tmp_path / "c")


@pytest.mark.parametrize(
    ("drawings", "texts"), [(0, TEXTS), (16, []), (0, []), (16, [("", "")]), (3, [("a", "b")])]
)
def test_a_catalogue_may_lack_texts_and_the_primer_may_be_off(
    drawings: int, texts: list[tuple[str, str]]
) -> None:
    config = TINY.model_copy(update={"primer_drawings": drawings, "epochs": 1})
    backbone, trained = warm_start.warm_start(texts, NOUNS, config)
    assert trained.epochs == (1 if drawings or texts else 0)  # nothing to learn: nothing was run
    assert looked_at(backbone, [Image.new("RGB", (9, 9))])


def test_a_very_long_text_does_not_swell_the_lessons() -> None:
    """A whole book in the catalogue: its lesson is as short as any other's."""
    config = TINY.model_copy(update={"primer_drawings": 0, "epochs": 1})
    _, trained = warm_start.warm_start([*TEXTS, ("book", "word " * 20_000)], NOUNS, config)
    assert trained.seconds < 5


# --- the primer ---


def test_the_primer_is_decided_by_its_seed() -> None:
    one, again, other = (draw_primer(6, 64, seed) for seed in (1, 1, 2))
    assert [drawing.words for drawing in one] == [drawing.words for drawing in again]
    assert all(a.image.tobytes() == b.image.tobytes() for a, b in zip(one, again, strict=True))
    assert [drawing.words for drawing in one] != [drawing.words for drawing in other]


def test_captions_are_of_the_primers_words() -> None:
    for drawing in draw_primer(50, 16, 0):
        assert drawing.image.size == (16, 16)
        kind, colour, pattern = drawing.words
        assert kind in KINDS
        assert colour in COLOURS
        assert pattern in PATTERNS
        assert set(drawing.words) <= set(primer_words())


# --- lessons ---


def test_only_the_answer_counts(tiny_backbone: Backbone) -> None:
    """The mean of -log p over the answer's tokens, by the model's public forward."""
    lessons = [
        Lesson(tiny_backbone.question([asked]), tiny_backbone.answer(answer))
        for asked, answer in (("red", "yes"), ("blue sofa or green lamp", "dotted, plain"))
    ]
    losses = []
    for lesson in lessons:
        ids = torch.tensor([lesson.question.ids + lesson.answer.ids])
        with torch.no_grad():
            found = tiny_backbone.model(input_ids=ids).logits[0].log_softmax(-1)
        begin = len(lesson.question.ids)
        losses += [-found[at - 1, ids[0, at]] for at in range(begin, ids.shape[1])]
    expected = sum(losses) / len(losses)
    torch.testing.assert_close(lesson_loss(tiny_backbone, lessons, None), expected)


def test_each_answers_mean_log_probability_is_its_own_lessons(tiny_backbone: Backbone) -> None:
    lessons = [
        Lesson(tiny_backbone.question([asked]), tiny_backbone.answer(answer))
        for asked, answer in (("red", "yes"), ("blue sofa or green lamp", "dotted, plain lamp"))
    ]
    alone = [-lesson_loss(tiny_backbone, [lesson], None) for lesson in lessons]
    torch.testing.assert_close(mean_log_probs(tiny_backbone, lessons, None), torch.stack(alone))


def test_a_text_is_told_again_from_its_keywords() -> None:
    """Its own text is likelier than another's, after lessons in nothing but that and keywords."""
    config = {"primer_drawings": 0, "epochs": 25, "learning_rate": 5e-3, "retold_texts": 24}
    backbone, _ = warm_start.warm_start(TEXTS, NOUNS, TINY.model_copy(update=config))
    lessons = [
        retell_lesson(backbone, [style], f"{other} sofa", "made of cork", 64)
        for style in STYLES
        for other in STYLES
    ]
    with torch.no_grad():
        told = mean_log_probs(backbone, lessons, None).view(len(STYLES), len(STYLES))
    assert told.argmax(dim=1).tolist() == list(range(len(STYLES)))


def test_a_long_text_is_told_again_up_to_its_limit(tiny_backbone: Backbone) -> None:
    lesson = retell_lesson(tiny_backbone, ["red", "sofa"], "red sofa", "green lamp " * 50, 20)
    said = tiny_backbone.processor.tokenizer.decode(lesson.answer.ids, skip_special_tokens=True)
    assert said.split()[:4] == ["red", "sofa", "green", "lamp"]
    assert len(lesson.answer.ids) <= 20 + 1  # and the end


@pytest.mark.parametrize("sentences", [0, 3])
def test_a_round_tells_as_many_tastes_and_told_users_as_it_should(
    sentences: int, tiny_backbone: Backbone
) -> None:
    changed = {"primer_drawings": 0, "retold_texts": 0, "tastes": 20, "sentences": sentences}
    config = TINY.model_copy(update=changed)
    school = warm_start._School.open(tiny_backbone, NOUNS, TEXTS, config)
    rounds = [school.batches(epoch) for epoch in (0, 1)]
    for batches in rounds:
        tokenizer = tiny_backbone.processor.tokenizer
        worded = [tokenizer.decode(lesson.question.ids) for one in batches for lesson in one.worded]
        tastes = [asked for asked in worded if "user prefer now?" in asked]
        assert len(tastes) == 20
        # Items in sentences in every other lesson, where sentences are taught at all.
        assert sum(".\n" in asked.split("chose")[1] for asked in tastes) == (10 if sentences else 0)
        assert sum(len(one.invented) for one in batches) == 20
    assert len(rounds[0]) == len(rounds[1])
    assert rounds[0] != rounds[1]


def test_what_users_chose_decides_which_words_are_taught(tiny_backbone: Backbone) -> None:
    """Words of a text that no user's choices share are not asked for."""
    texts = [(f"{style} {make}", "") for style in "abcd" for make in "wxyz" for _ in range(5)]
    texts = [(f"{title[0] * 3} {title[2] * 3}", text) for title, text in texts]
    chosen = np.zeros((40, len(texts)), dtype=np.int8)
    for user in range(40):
        chosen[user, (user % 4) * 20 : (user % 4 + 1) * 20] = 1  # one style, every make
    config = TINY.model_copy(update={"primer_drawings": 0, "telling": "log"})
    matrix = sparse.csr_array(chosen)
    school = warm_start._School.open(tiny_backbone, NOUNS, texts, config, matrix)
    assert school.words == [(title.split()[0],) for title, _ in texts]
