"""What a recommendation by taste costs: equal work in every way, and counted right."""

from dataclasses import replace

import pytest

from gistrec.bench.passes import passes_of
from gistrec.bench.record import About, as_json
from gistrec.bench.taste import FRAME_TOKENS, TasteGrid, bench_taste
from gistrec.bench.tastes import TasteShape, make_histories, tell_tastes
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone

SHAPE = TasteShape(users=4, history=8, block=3, item=5, taste=6)
GRID = TasteGrid(
    history=(2, 7),
    users=3,
    candidates=4,
    item_tokens=5,
    taste_tokens=(6,),
    candidate_tokens=7,
    answer_tokens=2,
    repeats=1,
    limit_seconds=30,
)


def test_users_together_get_the_tastes_that_each_gets_alone(tiny_backbone: Backbone) -> None:
    histories = make_histories(tiny_backbone, SHAPE)
    together = tell_tastes(tiny_backbone, histories, range(SHAPE.users))
    alone = [tell_tastes(tiny_backbone, histories, [user])[0] for user in range(SHAPE.users)]
    assert together == alone
    assert len(set(together)) > 1  # they do depend on the user


def test_tastes_have_all_their_tokens_even_where_every_token_would_end_them(
    tiny_backbone: Backbone,
) -> None:
    histories = make_histories(tiny_backbone, SHAPE)
    every = tuple(range(len(tiny_backbone.processor.tokenizer)))
    quiet = replace(tiny_backbone, end_ids=every)
    told = tell_tastes(quiet, histories, range(SHAPE.users))
    assert [len(taste) for taste in told] == [SHAPE.taste] * SHAPE.users
    assert histories.words.issuperset(token for taste in told for token in taste)


def test_the_last_block_alone_goes_on_from_the_stored_taste(tiny_backbone: Backbone) -> None:
    histories = make_histories(tiny_backbone, SHAPE)
    users = range(SHAPE.users)
    before = replace(histories, blocks=tuple(blocks[:-1] for blocks in histories.blocks))
    shorter = replace(before, shape=replace(SHAPE, history=6))
    stored = replace(histories, stored=tuple(tell_tastes(tiny_backbone, shorter, users)))
    last = tell_tastes(tiny_backbone, stored, users, first=SHAPE.steps - 1)
    assert last == tell_tastes(tiny_backbone, histories, users)


def test_histories_are_cut_into_blocks_and_drawn_alike(tiny_backbone: Backbone) -> None:
    histories = make_histories(tiny_backbone, SHAPE)
    assert SHAPE.steps == 3
    assert [[len(block) for block in one] for one in histories.blocks] == [[15, 15, 10]] * 4
    assert histories.blocks == make_histories(tiny_backbone, SHAPE).blocks
    assert len(set(histories.blocks)) == SHAPE.users
    one_block = make_histories(tiny_backbone, replace(SHAPE, history=3))
    assert one_block.stored == ((),) * SHAPE.users


def test_forward_passes_are_counted_while_work_runs_and_not_after(tiny_backbone: Backbone) -> None:
    histories = make_histories(tiny_backbone, SHAPE)

    def work() -> None:
        tell_tastes(tiny_backbone, histories, range(SHAPE.users))

    assert passes_of(work, tiny_backbone) == SHAPE.steps * SHAPE.taste
    assert passes_of(lambda: None, tiny_backbone) == 0


def test_calls_and_passes_are_those_of_one_recommendation(tiny_backbone: Backbone) -> None:
    found = list(bench_taste(tiny_backbone, About.of("tiny", tiny_backbone), GRID))
    blocks, users, candidates, taste = {2: 1, 7: 3}, 3, 4, 6
    for history, steps in blocks.items():
        ours = {
            (one.conditions.compared, one.conditions.told, one.against): (
                one.conditions.ours_calls,
                one.conditions.their_calls,
                one.conditions.ours_passes * users,
                one.conditions.their_passes * users,
            )
            for one in found
            if one.conditions.history == history
        }
        told, last = steps * taste, taste
        published = users * (told + 2 * candidates)
        assert ours == {
            ("tastes", "all blocks", "one-user-at-a-time"): (steps, steps, told, users * told),
            ("scoring", None, "one-by-one"): (1, candidates, 1, users * candidates),
            ("scoring", None, "published"): (1, candidates, 1, users * 2 * candidates),
            ("whole", "all blocks", "published"): (
                steps + 1,
                steps + candidates,
                told + 1,
                published,
            ),
            ("whole", "all blocks", "mmsrarec"): (steps + 1, 1, told + 1, 1),
            ("whole", "last block", "published"): (2, steps + candidates, last + 1, published),
            ("whole", "last block", "mmsrarec"): (2, 1, last + 1, 1),
        }


def test_records_have_the_form_of_all_benchmarks(tiny_backbone: Backbone) -> None:
    grid = replace(GRID, history=(4,), images=(False, True), repeats=2)
    found = as_json(list(bench_taste(tiny_backbone, About.of("tiny", tiny_backbone), grid)))
    assert [one["conditions"]["images"] for one in found] == [False] * 7 + [True] * 7
    for one in found:
        conditions = one["conditions"]
        assert one["ratio"] == pytest.approx(one["their_seconds"] / one["ours_seconds"], rel=1e-3)
        assert conditions["backbone"] == "tiny"
        assert (conditions["users"], conditions["block"], conditions["candidates"]) == (3, 3, 4)
        assert (conditions["item_tokens"], conditions["taste_tokens"]) == (5, 6)
        prefix = len(tiny_backbone.before) + FRAME_TOKENS + conditions["taste_tokens"]
        assert conditions["prefix_tokens"] == prefix
        assert (conditions["image_tokens"] > 0) is conditions["images"]
        assert conditions["repeats"] == conditions["their_repeats"] == 2
        assert conditions["ours_median_seconds"] >= one["ours_seconds"] > 0
    tastes, one_by_one, _, whole, *_ = found[:7]
    assert whole["ours_seconds"] == pytest.approx(
        tastes["ours_seconds"] + one_by_one["ours_seconds"], rel=1e-3
    )


def test_longer_tastes_are_a_setting_of_their_own(tiny_backbone: Backbone) -> None:
    grid = replace(GRID, history=(4,), images=(False,), taste_tokens=(3, 6))
    found = list(bench_taste(tiny_backbone, About.of("tiny", tiny_backbone), grid))
    passes = {one.conditions.taste_tokens: one.conditions.their_passes for one in found[::7]}
    assert passes == {3: 2 * 3, 6: 2 * 6}  # two blocks
    prefixes = {one.conditions.prefix_tokens for one in found}
    assert max(prefixes) - min(prefixes) == 3


def test_a_block_longer_than_the_backbone_reads_is_refused(tiny_backbone: Backbone) -> None:
    with pytest.raises(ConfigError, match="a block of 3 items of 3000 tokens"):
        make_histories(tiny_backbone, replace(SHAPE, item=3000))
