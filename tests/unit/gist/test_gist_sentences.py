"""Items in sentences: described, summarised and joined, whoever answers however."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from summarise_cases import (
    BARE,
    N_ITEMS,
    PICTURED,
    WHO,
    WITHOUT_IMAGE,
    WITHOUT_TEXT,
    Scripted,
    code_of,
    make_catalogue,
    with_items,
    words_of,
)

from gistrec import schema
from gistrec.config.gist import GistConfig
from gistrec.errors import EngineError
from gistrec.gist.asking import Catalogue
from gistrec.gist.in_sentences import InSentences
from gistrec.gist.quality import GistQuality, quality
from gistrec.gist.summarise import summarise
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Answer, Question
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.mllm.vision.looking import image_features
from gistrec.text.encoder import open_sentence_encoder

CONFIG = GistConfig(style="sentences", max_new_tokens=12, max_text_tokens=60)
BOTH = sorted(set(PICTURED) - {WITHOUT_TEXT})
SEEN, READ, JOINED = "A dotted red sofa.", "About oak, wool.", "A dotted red sofa about oak."


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return make_catalogue()


def about(question: Question) -> str:
    asked = words_of(question)
    return "both" if "Join" in asked else "text" if "Summarise" in asked else "image"


def told(question: Question) -> Answer:
    return Answer({"image": SEEN, "text": READ, "both": JOINED}[about(question)], False)


def of(gists: pl.DataFrame, column: str) -> list[str | None]:
    return gists[column].to_list()


def test_each_item_is_described_summarised_and_joined(catalogue: Catalogue, tmp_path: Path) -> None:
    engine = Scripted(told)
    found = summarise(engine, catalogue, CONFIG, tmp_path / "journal", WHO)
    codes = range(N_ITEMS)
    texts = [code for code in codes if code not in (WITHOUT_TEXT, BARE)]
    assert of(found.gists, "image_sentence") == [SEEN if c in PICTURED else None for c in codes]
    assert of(found.gists, "text_sentence") == [READ if c in texts else None for c in codes]
    expected = {**dict.fromkeys(BOTH, JOINED), WITHOUT_IMAGE: READ, WITHOUT_TEXT: SEEN, BARE: None}
    assert of(found.gists, "summary") == [expected[code] for code in codes]
    for column, those in (
        ("image_valid", PICTURED),
        ("text_valid", texts),
        ("summary_valid", BOTH),
    ):
        assert of(found.gists, column) == [True if code in those else None for code in codes]
    assert found.gists["image_keywords"].list.len().sum() == 0
    joined = [words_of(one) for one in engine.asked if about(one) == "both"]
    assert all(f"Image: {SEEN}\nText: {READ}\n" in asked for asked in joined)
    assert all("at most 24 words" in asked for asked in joined)
    assert len(joined) == 1  # what is the same is asked once
    assert (found.asked, found.asked_again) == (len(engine.asked), 0)
    assert max(engine.count(words_of(one)) for one in engine.asked) == CONFIG.max_text_tokens


@pytest.mark.parametrize(("left_out", "left"), [("image_words", READ), ("text_words", SEEN)])
def test_a_modality_may_be_left_out(
    left_out: str, left: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    engine, config = Scripted(told), CONFIG.model_copy(update={left_out: 0})
    gists = summarise(engine, catalogue, config, tmp_path / "journal", WHO).gists
    assert {about(one) for one in engine.asked} == {"text" if left == READ else "image"}
    assert set(of(gists, "summary")) == {left, None}
    assert gists["summary_valid"].null_count() == N_ITEMS


def test_what_is_no_sentence_is_asked_again_once(catalogue: Catalogue, tmp_path: Path) -> None:
    """Item 0 comes round, item 1 never does, and no two are ever joined."""

    def rule(question: Question) -> Answer:
        firm = "nothing else" in words_of(question)
        if about(question) == "both":
            return Answer("I'm sorry, I cannot.", False)
        if code_of(question) == 1 or (code_of(question) == 0 and not firm):
            return Answer(" ", False)
        return told(question)

    engine = Scripted(rule)
    found = summarise(engine, catalogue, CONFIG, tmp_path / "journal", WHO)
    gists = found.gists
    assert [of(gists, "image_valid")[code] for code in (0, 1)] == [True, False]
    assert [of(gists, "image_sentence")[code] for code in (0, 1)] == [SEEN, None]
    assert of(gists, "summary")[0] == f"{SEEN} {READ}"
    assert of(gists, "summary")[1] == READ
    assert [of(gists, "summary_valid")[code] for code in (0, 1)] == [False, None]
    firm = [one for one in engine.asked if "nothing else" in words_of(one)]
    assert all("at most" in words_of(one) for one in firm)
    assert sorted(map(about, firm)) == ["both", "image", "image"]
    assert found.asked_again == 2 + len(BOTH) - 1


def test_no_sentence_is_longer_than_it_may_be(catalogue: Catalogue, tmp_path: Path) -> None:
    endless = " ".join(f"word{number}" for number in range(100))
    config = CONFIG.model_copy(update={"image_words": 3, "text_words": 5, "summary_words": 7})
    engine = Scripted(lambda _: Answer(endless, False))
    gists = summarise(engine, catalogue, config, tmp_path / "journal", WHO).gists
    assert of(gists, "image_sentence")[0] == "word0 word1 word2."
    assert of(gists, "text_sentence")[0] == "word0 word1 word2 word3 word4."
    assert of(gists, "summary")[0] == "word0 word1 word2 word3 word4 word5 word6."


@pytest.mark.parametrize("patience", [0, 3, 8, 11])
def test_whoever_is_interrupted_asks_for_no_answer_twice(
    patience: int, catalogue: Catalogue, tmp_path: Path
) -> None:
    def rule(question: Question) -> Answer:
        return Answer(f"{about(question)} of {words_of(question)[:9]} {code_of(question)}", False)

    whole = Scripted(rule)
    expected = summarise(whole, catalogue, CONFIG, tmp_path / "whole", WHO).gists
    assert len(whole.asked) > 11
    killed, resumed = Scripted(rule, patience), Scripted(rule)
    with pytest.raises(EngineError):
        summarise(killed, catalogue, CONFIG, tmp_path / "journal", WHO)
    found = summarise(resumed, catalogue, CONFIG, tmp_path / "journal", WHO).gists
    assert_frame_equal(found.drop("seconds"), expected.drop("seconds"))
    assert len(killed.asked) + len(resumed.asked) == len(whole.asked)
    assert not set(map(str, killed.asked)) & set(map(str, resumed.asked))


def test_a_changed_title_asks_its_own_questions_alone(catalogue: Catalogue, tmp_path: Path) -> None:
    def rule(question: Question) -> Answer:
        return Answer(f"{about(question)} of {words_of(question)[:60]}", False)

    before = summarise(Scripted(rule), catalogue, CONFIG, tmp_path / "a", WHO)
    engine, changed = Scripted(rule), with_items(catalogue, {3: "another"}, {})
    now = summarise(engine, changed, CONFIG, tmp_path / "b", WHO, tmp_path / "a")
    assert sorted(map(about, engine.asked)) == ["both", "text"]
    assert all("another" in words_of(one) for one in engine.asked)
    others = pl.col("item_id") != "i3"
    assert_frame_equal(
        now.gists.filter(others).drop("seconds"), before.gists.filter(others).drop("seconds")
    )
    # With another limit for what is joined, nothing else is asked again.
    engine, shorter = Scripted(rule), CONFIG.model_copy(update={"summary_words": 9})
    summarise(engine, changed, shorter, tmp_path / "c", WHO, tmp_path / "b")
    assert set(map(about, engine.asked)) == {"both"}


def test_a_real_model_is_asked_the_same_in_any_batch(
    tiny_backbone: Backbone, pictures: list[bytes], catalogue: Catalogue, tmp_path: Path
) -> None:
    """It has learned nothing, so that its answers are anything: they stay within their limits."""
    shown = dict(zip(PICTURED, pictures, strict=False))
    features: ImageFeatures = image_features(tiny_backbone, N_ITEMS, shown.get)
    whole, singly = (
        summarise(
            LocalEngine(tiny_backbone, features, size), catalogue, CONFIG, tmp_path / str(size), WHO
        ).gists
        for size in (8, 1)
    )
    assert_frame_equal(whole.drop("seconds"), singly.drop("seconds"))
    sentences = [*whole["image_sentence"], *whole["text_sentence"]]
    assert all(len(line.split()) <= 12 for line in sentences if line)


word = st.text(st.sampled_from("abc"), min_size=1, max_size=3)
line = st.lists(word, min_size=1, max_size=30).map(lambda words: f"{' '.join(words)}.")


@given(seen=st.none() | line, read=st.none() | line, most=st.integers(1, 20))
def test_two_sentences_side_by_side_are_even(seen: str | None, read: str | None, most: int) -> None:
    style = InSentences(
        Catalogue(pl.Series(["i"]), [""], [""], [b""]),
        CONFIG.model_copy(update={"summary_words": most}),
        len,
    )
    said = {("image", 0): seen, ("text", 0): read}
    columns = style.columns({key: (told,) if told else None for key, told in said.items()})
    (summary,) = columns[schema.SUMMARY]
    assert (summary is None) == (seen is None and read is None)
    if summary is None:
        return
    words = str(summary).split()
    whole = sum(len((part or "").split()) for part in (seen, read))
    assert len(words) == min(most, whole)
    if seen and read and whole > most > 1:
        ends = [number for number, word in enumerate(words) if word.endswith(".")]
        image = ends[0] + 1
        assert abs(2 * image - most) <= 1 or min(image, most - image) in (
            len(seen.split()),
            len(read.split()),
        )


def table(rows: Sequence[tuple[str | None, str | None, str | None, bool | None]]) -> pl.DataFrame:
    """Image's sentence, text's sentence, summary, whether it was joined."""
    seen, read, summary, joined = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            schema.ITEM_ID: [f"i{code}" for code in range(len(rows))],
            schema.IMAGE_KEYWORDS: [[]] * len(rows),
            schema.TEXT_KEYWORDS: [[]] * len(rows),
            schema.IMAGE_SENTENCE: seen,
            schema.TEXT_SENTENCE: read,
            schema.SUMMARY: summary,
            schema.IMAGE_VALID: [True if part else None for part in seen],
            schema.TEXT_VALID: [True if part else None for part in read],
            schema.SUMMARY_VALID: joined,
        }
    )


def test_quality_of_sentences() -> None:
    gists = table(
        [
            ("A red sofa.", "About oak.", "A red sofa about oak.", True),
            ("A blue lamp.", "About tall wool.", "About tall wool.", False),
            (None, "About gloves.", "About gloves.", None),
            (None, None, None, None),
        ]
    )
    hidden = pl.DataFrame({schema.ITEM_ID: ["i0", "i1", "i2"], "colour": ["red", "blue", "red"]})
    texts = ["oak sofa", "tall wool lamp", "gloves", ""]
    found = quality(gists, texts, open_sentence_encoder("lsa", texts), hidden, "sentences")
    own = found.sentences
    assert own is not None
    assert (own.image_words, own.text_words) == (3, pytest.approx((2 + 3 + 2) / 3))
    assert own.summary_words == pytest.approx((5 + 3 + 2) / 3)
    assert own.joined == 1 / 2
    assert own.from_image == pytest.approx((3 / 5 + 0) / 2)
    assert own.from_text == pytest.approx((2 / 5 + 1) / 2)
    assert (found.image_valid, found.image_keywords, found.text_keywords) == (1, None, None)
    assert found.only_in_image == {"colour": 1 / 2}
    assert found.copied == pytest.approx((1 / 2 + 2 / 3 + 1 / 2) / 3)
    assert found.retrieval is not None
    assert found.retrieval.hit_1 == 1
    lines = dict(found.told())
    assert lines["image answers that are sentences"] == "100.0%"
    assert lines["words of a summary that stand in the image's sentence"] == "30.0%"
    assert "image keywords an item" not in lines
    assert GistQuality.model_validate_json(found.model_dump_json()) == found


def test_settings_of_the_other_style_are_of_no_account() -> None:
    plain, other = GistConfig(), {"image_words": 3, "text_words": 4, "summary_words": 5}
    lists = {"image_keywords": 3, "text_keywords": 4}
    sentences = GistConfig(style="sentences")
    assert plain.model_copy(update=other).deciding() == plain.deciding()
    assert sentences.model_copy(update=lists).deciding() == sentences.deciding()
    for config, own in ((plain, lists), (sentences, other)):
        for name, value in own.items():
            assert config.model_copy(update={name: value}).deciding() != config.deciding()
    assert plain.deciding() != sentences.deciding()
