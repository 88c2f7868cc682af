"""A taste that follows events is the taste told anew."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from telling_cases import ITEMS, NOUNS, RECURRENT, WHO, Counting, teller_of

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.taste.live import LiveTaste
from gistrec.taste.recurrent import tastes_after
from gistrec.taste.telling import sampling_of, telling

EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, len(ITEMS) - 1)),
        st.tuples(st.just("remove"), st.integers(0, 30)),
    ),
    max_size=14,
)


@given(events=EVENTS, block=st.integers(1, 4), kind=st.sampled_from(["recurrent", "direct"]))
def test_any_events_lead_to_the_taste_of_the_whole_log(
    events: list[tuple[str, int]], block: int, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = RECURRENT.model_copy(update={"block": block, "kind": kind})
    journals = tmp_path_factory.mktemp("live")
    with (
        teller_of(Counting(), journals / "live", config) as teller,
        teller_of(Counting(), journals / "anew", config) as other,
    ):
        live, log = LiveTaste(), []
        for event, number in events:
            if event == "add":
                live, log = live.with_event(teller, number), [*log, number]
            elif log:
                place = number % len(log)
                live, log = live.without(teller, place), [*log[:place], *log[place + 1 :]]
            assert live == LiveTaste.of(other, log)
            assert [live.taste] == tastes_after(other, [log], "anew")


@settings(max_examples=5)
@given(events=EVENTS)
def test_a_models_live_taste_is_the_one_told_anew(
    events: list[tuple[str, int]],
    tiny_backbone: Backbone,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    torch.set_num_threads(1)
    config = RECURRENT.model_copy(update={"temperature": 1.5, "max_new_tokens": 4})
    engine = LocalEngine(tiny_backbone, ImageFeatures.none(0), 16, sampling_of(config))
    journals = tmp_path_factory.mktemp("live")
    live, log = LiveTaste(), []
    with telling(engine, ITEMS, NOUNS, config, journals / "live", WHO) as teller:
        for event, number in events:
            if event == "add":
                live, log = live.with_event(teller, number), [*log, number]
            elif log:
                place = number % len(log)
                live, log = live.without(teller, place), [*log[:place], *log[place + 1 :]]
    with telling(engine, ITEMS, NOUNS, config, journals / "anew", WHO) as teller:
        assert live == LiveTaste.of(teller, log)
        assert [live.taste] == tastes_after(teller, [log], "anew")


def test_an_event_costs_one_question_and_a_removal_those_from_its_block(tmp_path: Path) -> None:
    engine = Counting()
    with teller_of(engine, tmp_path / "journal") as teller:
        live = LiveTaste.of(teller, [0, 1, 2, 3, 4, 5, 6, 7])
        assert len(engine.asked) == 3
        for place, questions in ((7, 1), (6, 1), (4, 2), (0, 3)):
            before = len(engine.asked)
            live.without(teller, place)
            assert len(engine.asked) - before == questions
        before = len(engine.asked)
        live = live.with_event(teller, 8)
        assert len(engine.asked) - before == 1
        assert live.states[-1] == live.taste
        assert live.without(teller, 8).without(teller, 7).without(teller, 6) == LiveTaste.of(
            teller, [0, 1, 2, 3, 4, 5]
        )
        with pytest.raises(IndexError, match="9 items"):
            live.without(teller, 9)
