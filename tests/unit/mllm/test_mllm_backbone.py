import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gistrec.errors import BackboneError
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.embedded import END, IMAGE, train_tokenizer
from gistrec.mllm.generation import batches_by_length, generate
from gistrec.mllm.packing import Tokens
from gistrec.mllm.primer import primer_words
from gistrec.mllm.processor import SplitProcessor
from gistrec.mllm.prompts import ItemImage, Nouns
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.mllm.warm_start import _tokenizer_texts

ascii_texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


def crowded(items: int) -> list[tuple[str, str]]:
    """Texts of a catalogue with so many words that common ones alone would fill a vocabulary."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    known = np.array(["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(9000)])
    share = 1 / np.arange(1, len(known) + 1)
    words = rng.choice(known, (items, 30), p=share / share.sum())
    return [(" ".join(row[:6]), " ".join(row[6:])) for row in words.tolist()]


@pytest.mark.parametrize(("items", "vocabulary"), [(0, 1000), (300, 1000), (9000, 1000)])
def test_answers_and_primer_words_are_single_tokens_beside_any_catalogue(
    items: int, vocabulary: int
) -> None:
    written = crowded(items)
    tokenizer = train_tokenizer(_tokenizer_texts(written, Nouns("item", "chose")), vocabulary)
    assert len(tokenizer) <= vocabulary
    lengths = {
        word: len(tokenizer(word, add_special_tokens=False)["input_ids"])
        for word in ("yes", "no", *primer_words())
    }
    assert {word: length for word, length in lengths.items() if length > 1} == {}


def test_a_tokenizer_is_the_same_every_time() -> None:
    texts = [f"{title} {text}" for title, text in crowded(200)]
    vocabularies = [train_tokenizer(texts, 900).get_vocab() for _ in range(2)]
    assert vocabularies[0] == vocabularies[1]


@given(text=ascii_texts)
def test_text_comes_back_in_lower_case(text: str, tiny_backbone: Backbone) -> None:
    decoded = tiny_backbone.processor.tokenizer.decode(tiny_backbone.text_ids(text))
    assert decoded.removeprefix(" ") == text.lower().removeprefix(" ")


@given(text=st.text(max_size=30))
def test_any_script_survives(text: str, tiny_backbone: Backbone) -> None:
    """What Unicode folds is folded once: after that nothing changes any more."""
    tokenizer = tiny_backbone.processor.tokenizer
    once = tokenizer.decode(tiny_backbone.text_ids(text))
    assert tokenizer.decode(tiny_backbone.text_ids(once)).strip() == once.strip()
    assert "\ufffd" not in once or "\ufffd" in text


@given(parts=st.lists(st.sampled_from([IMAGE, END, "<user>", "<assistant>", "red", " "])))
def test_a_users_text_never_becomes_a_mark(parts: list[str], tiny_backbone: Backbone) -> None:
    marks = set(tiny_backbone.processor.tokenizer.all_special_ids) | set(
        tiny_backbone.image_ids((2, 2))
    )
    assert not marks & set(tiny_backbone.text_ids("".join(parts)))


def test_the_frame_is_the_chat_templates(tiny_backbone: Backbone) -> None:
    tokenizer = tiny_backbone.processor.tokenizer
    framed = tiny_backbone.processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": "red sofa"}]}],
        add_generation_prompt=True,
    )
    assert tiny_backbone.question(["red sofa"]).ids == tuple(
        tokenizer(framed, add_special_tokens=False)["input_ids"]
    )
    assert tiny_backbone.answer("yes").ids == (*tiny_backbone.yes_ids, tiny_backbone.end_id)
    assert tokenizer.convert_ids_to_tokens(tiny_backbone.end_id) == END


def test_an_image_is_what_the_processor_makes_of_it(tiny_backbone: Backbone) -> None:
    """Four tokens an image here: (64 / 8 / 4) squared, as many as there are features."""
    made = tiny_backbone.processor(
        text=f"{IMAGE} red", images=[[Image.new("RGB", (90, 50), "blue")]], return_tensors="pt"
    )
    (prepared,) = tiny_backbone.family.prepare([Image.new("RGB", (90, 50), "blue")])
    tokens = tiny_backbone.tokens([ItemImage(7), "red"], lambda _: prepared.grid)
    assert list(tokens.ids) == made["input_ids"][0].tolist()
    assert tokens.images == ((7, 2, 2),)
    assert tokens.ids.count(tiny_backbone.model.config.image_token_id) == (64 // 8 // 4) ** 2
    assert torch.equal(prepared.inputs["pixel_values"], made["pixel_values"][0, 0])
    (features,) = tiny_backbone.family.look([prepared])
    assert features.shape == (1, 4, 32)


def test_yes_and_no_are_told_apart(tiny_backbone: Backbone) -> None:
    decode = tiny_backbone.processor.tokenizer.decode
    assert {decode(token).strip() for token in tiny_backbone.yes_ids} == {"yes"}
    assert {decode(token).strip() for token in tiny_backbone.no_ids} == {"no"}


def test_a_tokenizer_that_does_not_know_yes_is_refused(tiny_backbone: Backbone) -> None:
    whole = tiny_backbone.processor
    tokenizer = train_tokenizer(["red sofa"] * 9, 300)
    processor = SplitProcessor(tokenizer, whole.image_processor, whole.chat_template)
    with pytest.raises(BackboneError, match="does not tell 'yes' from 'no'"):
        make_backbone(tiny_backbone.model, processor)


def test_without_chat_template(tiny_backbone: Backbone) -> None:
    processor = copy.copy(tiny_backbone.processor)
    processor.chat_template = None
    with pytest.raises(BackboneError, match="no chat template"):
        make_backbone(tiny_backbone.model, processor)


# --- answers in words ---


def no_images() -> ImageFeatures:
    return ImageFeatures.none(3)


def test_batches_hold_every_question_once_longest_first() -> None:
    questions = [Tokens((0,) * length) for length in (3, 9, 1, 4, 4)]
    assert batches_by_length(questions, 2) == [[1, 3], [4, 0], [2]]


def test_answers_do_not_depend_on_the_batch(
    fresh_backbone: Callable[[], Backbone], pictures: list[bytes]
) -> None:
    backbone = fresh_backbone()
    table = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    features = ImageFeatures.held(3, {code: ((2, 2), table[code][None]) for code in (0, 1)})
    asked = [
        backbone.question(segments, features.grid)
        for segments in (
            ["red"],
            [ItemImage(0), "sofa or lamp"],
            [ItemImage(1)],
            ["green chair, blue lamp, dotted item"],
        )
    ]
    answers = [
        dict(generate(backbone, asked, features, max_new_tokens=6, batch_size=size))
        for size in (1, 3, 4)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert sorted(answers[0]) == [0, 1, 2, 3]
    assert len(set(answers[0].values())) > 1


def test_greedy_answers_are_what_step_by_step_gives(tiny_backbone: Backbone) -> None:
    question = tiny_backbone.question(["red sofa"])
    ids = list(question.ids)
    with torch.no_grad():
        for _ in range(5):
            logits = tiny_backbone.model(input_ids=torch.tensor([ids])).logits[0, -1]
            ids.append(int(logits.argmax()))
            if ids[-1] == tiny_backbone.end_id:
                break
    ((row, answer),) = generate(tiny_backbone, [question], no_images(), max_new_tokens=5)
    decode = tiny_backbone.processor.tokenizer.decode
    assert (row, answer) == (0, decode(ids[len(question.ids) :], skip_special_tokens=True))


def test_no_questions_no_answers(tiny_backbone: Backbone) -> None:
    assert list(generate(tiny_backbone, [], no_images(), 4)) == []
