"""What every family of backbones owes: all that gistrec computes is what the family computes.

`cd tests && python -m families.matrix` prints the same as numbers.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers import LlavaConfig, LlavaForConditionalGeneration, PixtralVisionConfig

from families import contracts
from families.pair import Pair, looked_at
from families.registry import TINY
from families.variants import VARIANTS
from gistrec.config.backbone import BackboneConfig
from gistrec.errors import BackboneError
from gistrec.mllm.attention import use_kernel
from gistrec.mllm.families.registry import FAMILIES
from gistrec.mllm.loading import describe, load_backbone
from gistrec.mllm.packing import Tokens
from gistrec.mllm.processor import how_made, made_here
from gistrec.mllm.prompts import ItemImage, Segment, image_keywords, text_keywords
from gistrec.mllm.vision.cache import VisionCache

TOLERANCE = 1e-4
HALF_TOLERANCE = 0.05  # of scores between -3 and 3: bfloat16 holds two to three digits
FIXED = ("idefics3", "smolvlm", "llava", "gemma3", "internvl")  # images of one size each
SHRINKING = ("llava_next", "qwen2_vl", "qwen2_5_vl", "qwen3_vl")
CPU = BackboneConfig(device="cpu")


def test_every_supported_family_is_tried() -> None:
    assert set(TINY) == set(FAMILIES)


def test_it_loads_from_what_save_pretrained_wrote(pair: Pair) -> None:
    backbone = pair.backbone
    assert type(backbone.model) is pair.family.model_class
    assert not backbone.model.training
    assert {value.dtype for value in backbone.model.parameters()} == {torch.float32}
    assert how_made(backbone.processor) == made_here(backbone.model.config.model_type)
    whole = how_made(backbone.processor) == "AutoProcessor"
    assert whole or not pair.family.saved_whole
    assert pair.family.name in describe(backbone)


def test_it_loads_from_files_in_their_older_form(pair: Pair, tmp_path: Path) -> None:
    """As most of the hub holds them: image processors without `Pil`, templates in JSON."""
    folder = Path(shutil.copytree(pair.folder, tmp_path / "older"))
    processor = pair.reference.processor
    images = processor.image_processor.to_dict()
    kind = type(processor.image_processor).__name__.removesuffix("Pil")
    images |= {"image_processor_type": kind, "processor_class": type(processor).__mro__[0].__name__}
    write(folder / "preprocessor_config.json", images)
    write(folder / "chat_template.json", {"chat_template": pair.family.template})
    (folder / "chat_template.jinja").unlink()
    if pair.family.saved_whole:
        held = json.loads((folder / "processor_config.json").read_text())
        held.pop("image_processor")
        write(folder / "processor_config.json", held)
    older = load_backbone(folder, CPU)
    segments = [ItemImage(3), "red sofa?"]
    assert older.question(segments, pair.features.grid) == pair.backbone.question(
        segments, pair.features.grid
    )
    looked = looked_at(older, pair.pictures)
    assert torch.equal(looked.parts[0], pair.features.parts[0])


def test_saved_by_gistrec_it_loads_as_it_was(pair: Pair, tmp_path: Path) -> None:
    pair.backbone.save(tmp_path)
    again = load_backbone(tmp_path, CPU)
    frames = [(b.before, b.before_image, b.after, b.image) for b in (again, pair.backbone)]
    assert frames[0] == frames[1]
    answers = [(b.yes_ids, b.no_ids, b.end_ids) for b in (again, pair.backbone)]
    assert answers[0] == answers[1]
    loaded = dict(again.model.named_parameters())
    for name, value in pair.backbone.model.named_parameters():
        assert torch.equal(loaded[name], value), name
    assert torch.equal(looked_at(again, pair.pictures).parts[0], pair.features.parts[0])


def test_every_weight_belongs_to_the_eyes_or_to_the_language(pair: Pair) -> None:
    backbone = pair.backbone
    eyes = {id(value) for part in backbone.eyes for value in part.parameters()}
    language = {id(value) for value in backbone.language.parameters()}
    language.add(id(backbone.head.weight))
    assert not eyes & language
    # LLaVA-NeXT's mark of a line's end is part of an image's features.
    rest = {
        name
        for name, value in backbone.model.named_parameters()
        if id(value) not in eyes | language
    }
    assert rest <= {"model.image_newline"}


def test_yes_and_no_are_found_in_every_spelling(pair: Pair) -> None:
    tokenizer = pair.backbone.processor.tokenizer
    known = {
        id_: tokenizer.convert_ids_to_tokens(id_).lstrip("\u2581\u0120")
        for id_ in range(len(tokenizer))
    }
    for word, ids in (("yes", pair.backbone.yes_ids), ("no", pair.backbone.no_ids)):
        spelled = {id_ for id_, text in known.items() if text in (word, word.capitalize())}
        assert set(ids) == spelled
        assert len(ids) >= 3


def test_the_answer_ends_where_the_family_ends_it(pair: Pair) -> None:
    tokenizer = pair.backbone.processor.tokenizer
    ends = tokenizer.convert_ids_to_tokens(list(pair.backbone.end_ids))
    assert tuple(ends) == pair.family.marks.ends


def test_an_answer_is_taught_as_the_family_writes_it(pair: Pair) -> None:
    tokenizer = pair.backbone.processor.tokenizer
    turns = [
        {"role": role, "content": [{"type": "text", "text": text}]}
        for role, text in (("user", "red sofa?"), ("assistant", "yes"))
    ]
    text = tokenizer.apply_chat_template(
        turns, chat_template=pair.backbone.processor.chat_template, tokenize=False
    )
    begun = tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token)
    whole = tokenizer(text, add_special_tokens=not begun)["input_ids"]
    asked = pair.backbone.question(["red sofa?"]) + pair.backbone.answer("yes")
    *said, end = asked.ids
    assert whole[: len(said)] == said
    assert end == pair.backbone.end_id  # LLaVA's template leaves it out
    assert pair.backbone.answer("yes").ids[0] in pair.backbone.yes_ids


QUESTIONS: dict[str, list[Segment]] = {
    "image": image_keywords(3),
    "another image": image_keywords(0),
    "text": text_keywords("red sofa", "plain, dotted"),
    "text without line": ["red sofa?"],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_reads_as_the_familys_own_processor_writes_it(pair: Pair, question: str) -> None:
    segments = QUESTIONS[question]
    ours = pair.backbone.question(segments, pair.features.grid).ids
    theirs = pair.reference.ids(segments, pair.pictures)
    decode = pair.backbone.processor.tokenizer.decode
    assert ours == theirs, f"{decode(ours)!r} {decode(theirs)!r}"


def test_a_mark_in_a_users_text_stays_text(pair: Pair) -> None:
    marks = set(pair.backbone.processor.tokenizer.all_special_ids)
    marks.add(pair.backbone.family.image_token_id)
    marks.discard(pair.backbone.processor.tokenizer.unk_token_id)
    for mark in pair.family.marks.all:
        assert not marks & set(pair.backbone.text_ids(f"red {mark} sofa"))


@torch.no_grad()
def test_image_features_are_what_the_model_computes_itself(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Caught where they enter the language model, all pictures of a prompt at once."""
    segments = [ItemImage(code) for code in range(len(pair.pictures))]
    tokens = pair.backbone.question(segments, pair.features.grid)
    caught: dict[str, torch.Tensor] = {}

    def catch(_: torch.nn.Module, given: tuple[object, ...], named: dict[str, object]) -> None:
        caught.update(named)

    language = pair.reference.model.model.get_decoder()
    hook = language.register_forward_pre_hook(catch, with_kwargs=True)
    pair.reference.logits(tokens.ids, pair.pictures)
    hook.remove()
    places = torch.tensor(tokens.ids) == pair.reference.model.config.image_token_id
    levels = [caught["inputs_embeds"][0][places], *(caught.get("deepstack_visual_embeds") or ())]
    found = pair.features.of(tokens.codes, torch.device("cpu"))
    assert found is not None
    assert len(found) == (3 if pair.family.name == "qwen3_vl" else 1)
    torch.testing.assert_close(found, torch.stack(levels), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_images_looked_at_together_are_as_alone(pair: Pair) -> None:
    family = pair.backbone.family
    together = family.look(family.prepare(pair.pictures))
    for code, found in enumerate(together):
        rows, columns = pair.features.grid(code)
        assert found.shape[1] == rows * columns
        alone = pair.features.of([code], torch.device("cpu"))
        torch.testing.assert_close(found, alone, atol=1e-5, rtol=1e-5)


def test_through_the_cache_features_are_the_same(pair: Pair, tmp_path: Path) -> None:
    """Seen for the first time, from memory, and mapped from disk."""
    encoded = [png(image) for image in pair.pictures]
    encoded += [None, encoded[2]]  # an item without image, and one that shows another's
    cache, count = VisionCache(tmp_path), len(encoded)
    first = cache.see(pair.backbone, pair.family.name, count, encoded.__getitem__)
    again = cache.see(pair.backbone, pair.family.name, count, encoded.__getitem__)
    mapped = cache.open(first.eyes, first.digests, held_bytes=0)
    assert (first.cached, again.cached, again.images) == (0, 7, 7)
    assert mapped is not None
    shown = [*range(6), 7]
    expected = pair.features.of([*range(6), 2], torch.device("cpu"))
    fresh = first.features.of(shown, torch.device("cpu"))
    torch.testing.assert_close(fresh, expected, atol=1e-5, rtol=1e-5)
    for features in (first.features, again.features, mapped):
        assert 6 not in features
        assert [features.grid(code) for code in range(6)] == [
            pair.features.grid(code) for code in range(6)
        ]
        for codes in (shown, [5, 0, 5]):  # of one size and of several
            found = features.of(codes, torch.device("cpu"))
            assert torch.equal(found, first.features.of(codes, torch.device("cpu")))
    through = replace(pair, features=mapped)
    assert contracts.logits_gap(through, contracts.PROMPTS["images in both"]) < TOLERANCE


@settings(max_examples=12)
@given(width=st.integers(1, 150), height=st.integers(1, 150))
@example(width=1, height=1)
@example(width=400, height=3)
@example(width=2, height=300)
@example(width=1000, height=3)
def test_images_of_any_shape_become_the_tokens_that_the_family_counts(
    pair: Pair, width: int, height: int
) -> None:
    image = Image.new("RGB", (width, height), "orange")
    family = pair.backbone.family
    prepared = family.prepare([image])
    with torch.no_grad():
        (found,) = family.look(prepared)
    rows, columns = prepared[0].grid
    assert found.shape[1] == rows * columns
    # Qwen's own processor lets images longer than that break its limit, and refuses longer ones.
    if max(width, height) <= 12 * min(width, height):
        theirs = pair.reference.ids([ItemImage(0)], [image])
        assert theirs.count(family.image_token_id) == rows * columns


@pytest.mark.parametrize("prompt", contracts.PROMPTS)
def test_packed_logits_are_the_familys_own(pair: Pair, prompt: str) -> None:
    assert contracts.logits_gap(pair, contracts.PROMPTS[prompt]) < TOLERANCE


@pytest.mark.parametrize("prompt", contracts.PROMPTS)
def test_states_along_the_prefix_are_the_familys_own(pair: Pair, prompt: str) -> None:
    assert contracts.state_gap(pair, contracts.PROMPTS[prompt]) < TOLERANCE


@pytest.mark.parametrize("chunk_tokens", [1, 20, 10_000])
def test_scores_of_long_lists_are_the_familys_own(pair: Pair, chunk_tokens: int) -> None:
    whole = contracts.PROMPTS["images in both"]
    assert contracts.score_gap(pair, whole, chunk_tokens=chunk_tokens) < TOLERANCE


@pytest.mark.parametrize("name", VARIANTS)
def test_other_shapes_of_a_family_keep_the_contracts(name: str, tmp_path: Path) -> None:
    VARIANTS[name].save(tmp_path)
    varied = Pair.load(VARIANTS[name], tmp_path)
    whole = contracts.PROMPTS["images in both"]
    assert contracts.logits_gap(varied, whole) < TOLERANCE
    assert contracts.state_gap(varied, whole) < TOLERANCE
    assert contracts.score_gap(varied, whole, chunk_tokens=10) < TOLERANCE
    assert all(ours == theirs for ours, theirs in contracts.answers(varied, [whole]))


def test_what_is_compared_differs(pair: Pair) -> None:
    """The tolerance means something: a word, an image, an image's place change the answer."""
    base: list[Segment] = ["user ", ItemImage(0), ItemImage(1), "sofa"]
    others: list[list[Segment]] = [
        ["user ", ItemImage(0), ItemImage(1), "lamp"],
        ["user ", ItemImage(4), ItemImage(1), "sofa"],
        ["user ", ItemImage(1), ItemImage(0), "sofa"],
        [ItemImage(0), "user ", ItemImage(1), "sofa"],
        ["user ", "sofa"],
    ]
    scores = pair.yes_minus_no(pair.expected(pair.row((["chose"], [base, *others]))))
    assert (scores[1:] - scores[0]).abs().min() > 50 * TOLERANCE


@pytest.mark.parametrize("prompt", ["text", "images in both"])
def test_in_bfloat16_scores_stay_close_to_the_familys_own(pair: Pair, prompt: str) -> None:
    half = Pair.load(pair.family, pair.folder, BackboneConfig(device="cpu", dtype="bfloat16"))
    assert contracts.score_gap(half, contracts.PROMPTS[prompt]) < HALF_TOLERANCE


def test_attention_written_out_scores_the_same(pair: Pair) -> None:
    whole = contracts.PROMPTS["images in both"]
    use_kernel(pair.backbone, "eager")
    try:
        assert contracts.score_gap(pair, whole) < TOLERANCE
        assert contracts.score_gap(pair, whole, chunk_tokens=20) < TOLERANCE
    finally:
        use_kernel(pair.backbone, "sdpa")


def test_greedy_answers_are_the_familys_own(pair: Pair) -> None:
    found = contracts.answers(pair, list(contracts.PROMPTS.values()))
    assert [ours for ours, _ in found] == [theirs for _, theirs in found]
    assert len({ours for ours, _ in found}) > 3


@pytest.mark.parametrize("prompt", ["text", "images in both"])
def test_gradients_are_the_familys_own(pair: Pair, prompt: str) -> None:
    assert contracts.gradient_gap(pair, contracts.PROMPTS[prompt]) < 1e-4


@pytest.mark.parametrize("name", FIXED)
def test_a_limit_that_its_images_cannot_keep_is_refused(
    name: str, family_folder: Callable[[str], Path]
) -> None:
    with pytest.raises(BackboneError, match=rf"max_image_tokens is 3, .*{name}.* at least \d+"):
        load_backbone(family_folder(name), BackboneConfig(device="cpu", max_image_tokens=3))


@pytest.mark.parametrize("name", SHRINKING)
def test_images_are_shrunk_to_the_limit(name: str, family_folder: Callable[[str], Path]) -> None:
    limit = 17 if name == "llava_next" else 5
    options = BackboneConfig(device="cpu", max_image_tokens=limit)
    limited = Pair.load(TINY[name], family_folder(name), options)
    sizes = [(40, 64), (64, 40), (64, 64), (90, 30), (14, 50), (24, 24), (300, 4), (5, 500)]
    for one in limited.backbone.family.prepare([Image.new("RGB", size) for size in sizes]):
        assert one.grid[0] * one.grid[1] <= limit


def test_a_template_without_images_is_refused(pair: Pair, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pair.folder, tmp_path / "text"))
    (folder / "chat_template.jinja").write_text(
        "{% for message in messages %}{{ message['content'][-1]['text'] }}{% endfor %}"
    )
    with pytest.raises(BackboneError, match=r"does not write '.*' for an image"):
        load_backbone(folder, CPU)


def test_a_template_that_drops_words_is_refused(pair: Pair, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pair.folder, tmp_path / "silent"))
    (folder / "chat_template.jinja").write_text("{{ messages[0]['role'] }}")
    with pytest.raises(BackboneError, match="drops a user's words"):
        load_backbone(folder, CPU)


def test_llava_with_another_tower_is_refused(
    family_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    """Pixtral goes by LLaVA's model type."""
    tokenizer = TINY["llava"].tokenizer()
    vision = PixtralVisionConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=4,
    )
    usual = TINY["llava"].config(tokenizer)
    shape = LlavaConfig(
        vision_config=vision,
        text_config=usual.text_config,
        image_token_index=usual.image_token_id,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    folder = Path(shutil.copytree(family_folder("llava"), tmp_path / "pixtral"))
    LlavaForConditionalGeneration(shape).save_pretrained(folder)
    with pytest.raises(BackboneError, match=r"kind 'pixtral' is not supported"):
        load_backbone(folder, CPU)


def test_flex_attention_is_refused_where_it_does_not_run(pair: Pair) -> None:
    with pytest.raises(BackboneError, match=r"'flex', which needs a CUDA device"):
        load_backbone(pair.folder, BackboneConfig(device="cpu", attention="flex"))


def test_an_image_needs_its_grid(pair: Pair) -> None:
    with pytest.raises(ValueError, match="the image of item 2 has no grid"):
        pair.backbone.tokens([ItemImage(2)])


def test_a_branch_needs_a_token(pair: Pair) -> None:
    row = pair.row((["user"], [["sofa"]]))
    empty = type(row)(row.prefix, (*row.branches, Tokens(())))
    with pytest.raises(ValueError, match="candidate 2 of row 0 has no tokens"):
        pair.backbone.pack([empty])


def png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")
