import functools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recommender_cases import GISTS, KINDS, N_ITEMS, NO_IMAGES, NOUNS, pictured, prompter

from gistrec import schema
from gistrec.config.recommender import RecommenderConfig
from gistrec.errors import ConfigError
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.spelling import spelled
from gistrec.mllm.packing import Tokens
from gistrec.recommender.gists import gist_texts
from gistrec.recommender.nearby import nearby_items
from gistrec.recommender.profile import Profile
from gistrec.recommender.prompter import Prompter

CONFIG = RecommenderConfig(history=3)
codes = st.lists(st.integers(0, N_ITEMS - 1), max_size=6)


def words(backbone: Backbone, tokens: Tokens) -> str:
    return backbone.processor.tokenizer.decode(tokens.ids)


@given(history=codes, nearby=codes, candidates=codes)
def test_a_row_is_the_prompts_segments_in_the_chats_frame(
    history: list[int], nearby: list[int], candidates: list[int], tiny_backbone: Backbone
) -> None:
    features = pictured()
    row = prompter(tiny_backbone, CONFIG, features).row(Profile(history, nearby), candidates)
    known = prompts.known_of_user(
        NOUNS, [GISTS[code] for code in history[-3:]], [GISTS[code] for code in nearby]
    )
    assert len(row.branches) == len(candidates)
    for code, branch in zip(candidates, row.branches, strict=True):
        shown = prompts.candidate(code, f"item {code}", GISTS[code])
        assert row.prefix + branch == tiny_backbone.question([*known, *shown], features.grid)
        assert branch.codes == (code,)


@given(history=codes, nearby=codes, candidate=st.integers(0, N_ITEMS - 1), room=st.integers(0, 60))
def test_segments_have_the_ids_of_the_row(
    history: list[int],
    nearby: list[int],
    candidate: int,
    room: int,
    tiny_backbone: Backbone,
    asks: "Prompters",
) -> None:
    """Whatever the budget leaves out; also where a server is sent joined texts."""
    asking, grids = asks.limited(asks.least + room), pictured().grid
    row = asking.row(Profile(history, nearby), [candidate])
    segments = asking.segments(Profile(history, nearby), candidate)
    assert tiny_backbone.question(segments, grids) == row.prefix + row.branches[0]
    assert tiny_backbone.question(spelled(tiny_backbone, segments), grids).ids == (
        row.prefix.ids + row.branches[0].ids
    )


def test_the_oldest_of_the_history_is_dropped(tiny_backbone: Backbone) -> None:
    """One item of each kind, oldest first; three are shown."""
    row = prompter(tiny_backbone, CONFIG).row(Profile([0, 10, 20, 30], []), [1])
    text = words(tiny_backbone, row.prefix)
    places = [text.find(f" {kind}\n") for kind in KINDS]
    assert places[0] == -1
    assert 0 < places[1] < places[2] < places[3]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (("title",), "item 25"),
        (("gist",), "sofa"),
        (("title", "gist"), "item 25\n sofa"),
        (("gist", "title"), "item 25\n sofa"),
    ],
)
def test_a_candidate_shows_the_parts_it_is_told_to(
    shown: tuple[str, ...], expected: str, tiny_backbone: Backbone
) -> None:
    config = RecommenderConfig.model_validate({"candidate": shown})
    (branch,) = prompter(tiny_backbone, config, pictured()).row(Profile([], []), [25]).branches
    assert words(tiny_backbone, branch) == f" {expected}\n<end_of_utterance><assistant>"
    assert branch.images == ()


def test_an_item_without_image_shows_the_rest(tiny_backbone: Backbone) -> None:
    (branch,) = prompter(tiny_backbone, CONFIG, NO_IMAGES).row(Profile([], []), [25]).branches
    assert words(tiny_backbone, branch).startswith(" item 25\n sofa\n")


def test_long_words_are_cut_and_images_never(tiny_backbone: Backbone) -> None:
    config = RecommenderConfig(max_gist_tokens=8)
    long = Prompter(
        tiny_backbone, NOUNS, ["red sofa\n" * 99], ["这是一个很长的标题" * 9], pictured(), config
    )
    row = long.row(Profile([0], [0]), [0])
    (branch,) = row.branches
    mark = tiny_backbone.model.config.image_token_id
    assert branch.ids.count(mark) == 4
    frame = len(tiny_backbone.image_ids((2, 2))) + len(tiny_backbone.after)
    line_ends = 2 * len(tiny_backbone.text_ids("a\n")) - 2 * len(tiny_backbone.text_ids("a"))
    assert 8 < len(branch.ids) - frame - line_ends <= 2 * 8
    assert "这" in words(tiny_backbone, branch)
    assert "这" in words(tiny_backbone, row.prefix)
    assert words(tiny_backbone, branch).count("red sofa red sofa") >= 1
    assert (long.titles_shortened, long.gists_shortened) == (1, 1)


@pytest.mark.parametrize("most", range(4, 12))
def test_a_cut_leaves_no_half_character(tiny_backbone: Backbone, most: int) -> None:
    """Japanese in single bytes, three a character, which the tokenizer never saw in training."""
    config = RecommenderConfig(max_gist_tokens=most)
    title, gist = "木の椅子と青いランプ", "赤い木の椅子 青いランプ"
    cut = Prompter(tiny_backbone, NOUNS, [title], [gist], NO_IMAGES, config)
    row = cut.row(Profile([0], [0]), [0])
    shown = words(tiny_backbone, row.prefix + row.branches[0])
    assert "\ufffd" not in shown
    assert cut.words(0)
    assert gist.startswith(cut.words(0))
    assert cut.words(0) in shown


# --- a budget of tokens ---

LIMITED = RecommenderConfig(history=6)


class Prompters:
    """Prompters of one catalogue by their limit."""

    def __init__(self, backbone: Backbone) -> None:
        self.limited = functools.cache(functools.partial(self._make, backbone))
        self.least = self.limited(None).budget.least

    def _make(self, backbone: Backbone, limit: int | None) -> Prompter:
        config = LIMITED.model_copy(update={"max_prompt_tokens": limit})
        return prompter(backbone, config, pictured())


@pytest.fixture(scope="module")
def asks(tiny_backbone: Backbone) -> Prompters:
    return Prompters(tiny_backbone)


@given(
    history=codes,
    nearby=codes,
    candidates=st.lists(st.integers(0, N_ITEMS - 1), min_size=1, max_size=6),
    room=st.integers(0, 60),
)
def test_no_prompt_is_over_the_budget_and_what_fits_is_shown(
    history: list[int],
    nearby: list[int],
    candidates: list[int],
    room: int,
    tiny_backbone: Backbone,
    asks: Prompters,
) -> None:
    limit = asks.least + room
    asking = asks.limited(limit)
    profile = Profile(history, nearby)
    row, plan = asking.row(profile, candidates), asking.plan(profile)
    assert all(len(row.prefix.ids) + len(branch.ids) + 1 <= limit for branch in row.branches)
    longest = asking.budget.candidate + len(tiny_backbone.after)
    assert plan.tokens == len(row.prefix.ids) + longest + 1
    assert all(len(branch.ids) <= longest for branch in row.branches)
    known = prompts.known_of_user(
        NOUNS,
        [GISTS[code] for code in history[len(history) - plan.history :]],
        [GISTS[code] for code in nearby[: plan.neighbours]],
    )
    assert row.prefix == Tokens(tiny_backbone.before) + tiny_backbone.tokens(known)


# What a tokenizer knows and what it does not, with and without letters that a space joins.
tastes = st.lists(
    st.sampled_from(["Prefers", "blue,", "sofa", "Zq-9", "\u6728", "caf\u00e9", ".", "''", "  "]),
    min_size=1,
    max_size=14,
).map(" ".join)


@given(
    history=codes,
    nearby=codes,
    taste=st.one_of(st.just(""), tastes, st.text(min_size=1, max_size=12)),
    candidate=st.integers(0, N_ITEMS - 1),
    shown=st.sampled_from([0, 6]),
    longest=st.sampled_from([1, 2, 5, 12]),
    room=st.integers(0, 30),
)
def test_no_prompt_with_a_taste_is_over_the_budget(
    history: list[int],
    nearby: list[int],
    taste: str,
    candidate: int,
    shown: int,
    longest: int,
    room: int,
    tiny_backbone: Backbone,
) -> None:
    asking = _telling_tastes(tiny_backbone, shown, longest, room)
    profile, limit = Profile(history, nearby, taste), asking.budget.limit
    assert limit is not None
    row, plan = asking.row(profile, [candidate]), asking.plan(profile)
    whole = row.prefix + row.branches[0]
    assert len(whole.ids) + 1 <= plan.tokens <= limit
    closing = tiny_backbone.text_ids("What now?\n")
    rest = len(closing) + len(tiny_backbone.after)
    if asking.budget.frame + asking.budget.taste + rest + 3 <= limit:
        asked = asking.prefix(profile, closing, 3)
        assert len(asked.ids) + len(tiny_backbone.after) + 3 <= limit
    segments = asking.segments(profile, candidate)
    assert tiny_backbone.question(segments, pictured().grid) == whole
    told = "".join(str(segment) for segment in segments)
    assert (prompts.taste_line("").strip() in told) == bool(taste)
    assert told.count("in this order") == (plan.history > 0 or not taste)


@functools.cache
def _telling_tastes(backbone: Backbone, shown: int, longest: int, room: int) -> Prompter:
    config = RecommenderConfig(history=shown)
    least = prompter(backbone, config, pictured(), longest).budget.least
    limited = config.model_copy(update={"max_prompt_tokens": least + room})
    return prompter(backbone, limited, pictured(), longest)


def test_a_taste_within_its_tokens_is_never_cut(tiny_backbone: Backbone) -> None:
    taste = "blue lamp, red sofa"
    enough = len(tiny_backbone.text_ids(taste)) + 1
    asking = prompter(tiny_backbone, RecommenderConfig(history=0), longest_taste=enough)
    assert f": {taste}\n" in words(tiny_backbone, asking.row(Profile([1], [], taste), [2]).prefix)
    less = prompter(tiny_backbone, RecommenderConfig(history=0), longest_taste=enough - 3)
    shown = words(tiny_backbone, less.row(Profile([1], [], taste), [2]).prefix)
    assert ": blue lamp" in shown
    assert "sofa" not in shown


def test_a_user_reads_the_same_whatever_the_candidate(tiny_backbone: Backbone) -> None:
    """Items 0 to 9 have longer titles: room is kept for them where others are asked about."""
    titles = ["a very long title of an item" if code < 10 else "" for code in range(N_ITEMS)]

    def asking(limit: int | None) -> Prompter:
        config = LIMITED.model_copy(update={"max_prompt_tokens": limit})
        return Prompter(tiny_backbone, NOUNS, titles, GISTS, pictured(), config)

    whole = asking(None)
    history, nearby = [0, 11, 22, 33], [5, 15]
    longest = whole.plan(Profile(history, nearby)).tokens
    asks = asking(longest - 1)
    rows = [asks.row(Profile(history, nearby), [code]) for code in (3, 30)]
    assert len(rows[1].branches[0].ids) < len(rows[0].branches[0].ids) - 1
    assert rows[0].prefix == rows[1].prefix
    assert asks.plan(Profile(history, nearby))[:2] == (3, 2)
    assert (
        rows[0].branches == whole.row(Profile(history, nearby), [3]).branches
    )  # never cut, image included


def test_the_backbone_reads_no_more_than_its_context(tiny_backbone: Backbone) -> None:
    assert prompter(tiny_backbone, CONFIG).budget.limit == tiny_backbone.context
    too_much = CONFIG.model_copy(update={"max_prompt_tokens": tiny_backbone.context + 1})
    with pytest.raises(ConfigError, match="the backbone reads at most"):
        prompter(tiny_backbone, too_much)


def test_a_budget_without_room_for_a_candidate_is_refused_at_once(asks: Prompters) -> None:
    with pytest.raises(ConfigError, match="too long by 2 tokens even without any history"):
        asks.limited(asks.least - 2)


def test_a_candidates_words_and_image_are_counted_apart(tiny_backbone: Backbone) -> None:
    asks = prompter(tiny_backbone, CONFIG, pictured())
    words, image = asks.candidate_tokens(25)
    (branch,) = asks.row(Profile([], []), [25]).branches
    assert image == len(tiny_backbone.image_ids((2, 2))) == 4 + 3
    assert words + image + len(tiny_backbone.after) == len(branch.ids)
    assert (asks.titles_shortened, asks.gists_shortened) == (0, 0)


# --- gists ---


def test_a_gist_holds_each_word_once_and_a_title_stands_in_for_none() -> None:
    gists = pl.DataFrame(
        {
            schema.ITEM_ID: ["a", "b", "c", "d", "e"],
            schema.IMAGE_KEYWORDS: [["red", "sofa"], [], [], ["blue"], []],
            schema.TEXT_KEYWORDS: [["sofa", "rustic"], ["lamp"], [], [], []],
            schema.SUMMARY: [None, None, None, None, "A red sofa."],
        }
    )
    titles = ["A", "B", "C", "D", "E"]
    assert gist_texts(gists, titles) == ["red sofa rustic", "lamp", "C", "blue", "A red sofa."]


# --- nearby ---


def test_nearby_items_are_found_by_user_and_moment_most_similar_first() -> None:
    table = pl.DataFrame(
        {
            schema.USER_ID: ["u", "u", "v", "u"],
            schema.MOMENT: [2, 2, 2, 3],
            schema.RANK: [2, 1, 1, 1],
            schema.NEXT_ITEMS: [["c"], ["b", "a"], ["a"], []],
        },
        schema_overrides={schema.NEXT_ITEMS: pl.List(pl.String)},
    )
    found = nearby_items(table, pl.Series(["a", "b", "c"]))
    assert found == {("u", 2): [1, 0, 2], ("v", 2): [0]}


def test_no_neighbours_at_all() -> None:
    table = pl.DataFrame(
        schema={
            schema.USER_ID: pl.String(),
            schema.MOMENT: pl.Int64(),
            schema.RANK: pl.Int64(),
            schema.NEXT_ITEMS: pl.List(pl.String),
        }
    )
    assert nearby_items(table, pl.Series(["a"])) == {}
