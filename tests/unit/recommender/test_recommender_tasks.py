"""The kinds of task alone: what they ask, what they answer, and that each is learned."""

import re
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import pytest
import torch
from recommender_cases import (
    GISTS,
    KINDS,
    N_ITEMS,
    NO_IMAGES,
    NOUNS,
    OF_A_KIND,
    faithful,
    noted_rows,
    pictured,
    prompter,
)

from gistrec.config.backbone import EmbeddedConfig
from gistrec.config.recommender import RecommenderConfig
from gistrec.config.tasks import TasksConfig
from gistrec.data.sequences import IntArray, Sequences
from gistrec.errors import ConfigError
from gistrec.mllm.backbone import Backbone, make_backbone
from gistrec.mllm.embedded import make_model, make_processor, train_tokenizer
from gistrec.mllm.lesson import Lesson, lesson_loss
from gistrec.mllm.packing import Row
from gistrec.mllm.prompts import LETTERS, fixed_texts
from gistrec.mllm.scoring import hidden_states
from gistrec.mllm.training import Course, Lessons, train
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.tasks.alignment import Alignment
from gistrec.recommender.tasks.choice import Choice
from gistrec.recommender.tasks.kind import Batch, Kind, Material
from gistrec.recommender.tasks.next_gist import NextGist
from gistrec.recommender.tasks.yes_no import YesNo
from gistrec.recommender.training_set import TrainingSet
from gistrec.recommender.windows import Windows, draw_windows, positives

Make = Callable[[], Backbone]
ALL = TasksConfig(choice=1, next_gist=1, alignment=1)
CONFIG = RecommenderConfig(
    history=4, candidate=("gist",), negatives=6, gist_weight=0, precision="none", tasks=ALL
)
LOG = faithful(24, 1)
WRITTEN = [(f"item {code}", f"made {GISTS[code]}") for code in range(N_ITEMS)]


def material(
    backbone: Backbone,
    config: RecommenderConfig = CONFIG,
    features: ImageFeatures = NO_IMAGES,
    log: Sequences = LOG,
    written: Sequence[tuple[str, str]] = WRITTEN,
    **more: object,
) -> Material:
    data = TrainingSet(
        log, lambda epoch: draw_windows(log, None, epoch), {}, written=written, **more
    )
    return Material(backbone, prompter(backbone, config, features), features, data, config)


def lines(backbone: Backbone, lesson: Lesson) -> list[str]:
    """A question as it reads, without the chat's frame."""
    said = str(backbone.processor.tokenizer.decode(lesson.question.ids))
    return [line.strip() for line in re.sub(r"<[^>]*>", "", said).strip().splitlines()]


def answer(backbone: Backbone, lesson: Lesson) -> str:
    return str(backbone.processor.tokenizer.decode(lesson.answer.ids[:-1])).strip()


# --- learning ---


def taught(kind: Kind, backbone: Backbone, epochs: int, rate: float = 3e-3) -> tuple[float, float]:
    """The mean loss of an epoch that is not trained on, before a training and after it."""

    def mean() -> float:
        with torch.no_grad():
            return float(np.mean([batch.loss().item() for batch in kind.batches(99)]))

    before = mean()
    lessons = Lessons[Batch]("task", kind.batches, lambda batch: batch.loss())
    train(backbone.model, lessons, Course(epochs, rate), None, "")
    return before, mean()


@pytest.mark.parametrize(
    ("kind", "least"),
    [(YesNo, 0.7), (Choice, 0.5), (NextGist, 0.3), (Alignment, 0.2)],
    ids=["yes_no", "choice", "next_gist", "alignment"],
)
def test_each_kind_is_learned_alone(
    kind: Callable[[Material], Kind], least: float, fresh_backbone: Make
) -> None:
    """Users stick to a kind of goods, and an item's text names it."""
    backbone = fresh_backbone()
    before, after = taught(kind(material(backbone)), backbone, 4)
    assert after < least * before


def test_an_items_image_alone_comes_to_tell_its_gist(fresh_backbone: Make) -> None:
    backbone = fresh_backbone()
    kind = Alignment(material(backbone, features=pictured(), written=()))
    before, after = taught(kind, backbone, 4)
    assert after < 0.3 * before


@pytest.fixture(scope="module")
def lettered(tiny_config: EmbeddedConfig) -> Backbone:
    """A backbone that is to be trained, whose tokenizer knows the prompts."""
    torch.manual_seed(0)
    known = [*fixed_texts(NOUNS), *KINDS] * 50
    tokenizer = train_tokenizer(known, 2 * tiny_config.vocabulary)
    return make_backbone(make_model(tokenizer, tiny_config), make_processor(tokenizer, tiny_config))


def test_the_letter_that_is_likeliest_becomes_the_right_one(lettered: Backbone) -> None:
    """Overfitted on a few choices: the first answer token is compared among all letters."""
    log = faithful(4, 2)
    task = Choice(material(lettered, log=log))
    windows = draw_windows(log, None, 0)
    rng = np.random.default_rng(0)
    others = rng.integers(0, N_ITEMS, (len(windows), 6), dtype=np.int32)
    codes = np.concatenate([positives(log, windows)[:, None], others], axis=1)
    lessons = task.lessons(windows, codes, rng.random(len(windows), np.float32))
    rows = [Row(lesson.question, (lesson.answer,)) for lesson in lessons]
    letters = [lettered.answer(letter).ids[0] for letter in LETTERS]
    assert len(set(letters)) == len(LETTERS)
    right = [letters.index(lesson.answer.ids[0]) for lesson in lessons]
    assert len(set(right)) > 2

    def told() -> list[int]:
        packed = lettered.pack(rows)
        with torch.no_grad():
            hidden = hidden_states(lettered, packed, NO_IMAGES)
        last = torch.tensor([len(row.prefix.ids) - 1 for row in rows])
        logits = lettered.some_logits(hidden[range(len(rows)), last], letters)
        found: list[int] = logits.argmax(-1).tolist()
        return found

    assert told() != right
    course = Lessons("a", lambda epoch: [lessons], lambda one: lesson_loss(lettered, one, None))
    train(lettered.model, course, Course(60, 5e-3), None, "")
    assert told() == right


# --- what is asked ---


def asked(
    task: Choice, slots: Sequence[float], candidates: Sequence[Sequence[int]]
) -> list[Lesson]:
    """About the first user after three items."""
    windows = Windows(np.zeros(len(slots), np.int64), np.full(len(slots), 3))
    return task.lessons(windows, np.array(candidates, np.int32), np.array(slots, np.float32))


def test_a_choice_lists_each_candidate_once_behind_a_letter(tiny_backbone: Backbone) -> None:
    """A positive at either end and in between; what tells two candidates alike is listed once."""
    task = Choice(material(tiny_backbone))
    positive, *others = (OF_A_KIND * place for place in range(len(KINDS)))
    for slot, place in ((0.0, 0), (0.5, 2), (0.99, 3)):
        (lesson,) = asked(task, [slot], [[positive, others[0], 1, *others[1:], others[0] + 1]])
        listed = [*KINDS[1 : place + 1], KINDS[0], *KINDS[place + 1 :]]
        entries = [f"{letter}: {word}" for letter, word in zip("abcd", listed, strict=True)]
        shown = lines(tiny_backbone, lesson)
        assert shown[4:] == [
            "candidates:",
            *entries,
            "which of them comes next? answer with its letter.",
        ]
        assert [GISTS[code] for code in LOG[0][:3]] == shown[1:4]
        assert answer(tiny_backbone, lesson) == "abcd"[place]


def test_a_choice_has_no_more_candidates_than_letters(tiny_backbone: Backbone) -> None:
    config = CONFIG.model_copy(update={"negatives": 40})
    titles = config.model_copy(update={"told_by": "title"})  # all differ
    batch = Choice(material(tiny_backbone, titles)).batches(0)[0]
    assert torch.isfinite(batch.loss())


def test_evidence_stands_behind_its_candidate(tiny_backbone: Backbone) -> None:
    def evidence(windows: Windows, candidates: IntArray) -> list[list[str]]:
        return [[f"seen {code}\n" for code in row] for row in candidates.tolist()]

    task = Choice(material(tiny_backbone, evidence=evidence))
    (lesson,) = asked(task, [0.0], [[0, 10, 20]])
    listed = ["a: red", "seen 0", "b: blue", "seen 10", "c: sofa", "seen 20"]
    assert lines(tiny_backbone, lesson)[5:-1] == listed


def test_yes_no_is_asked_with_the_evidence_of_its_candidates(
    tiny_backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evidence(windows: Windows, candidates: IntArray) -> list[list[str]]:
        return [[f"seen {code}\n" for code in row] for row in candidates.tolist()]

    seen = noted_rows(monkeypatch)
    YesNo(material(tiny_backbone, evidence=evidence)).batches(0)[0].loss()
    assert seen
    assert all(one.told == [f"seen {code}\n" for code in one.candidates] for one in seen)
    seen.clear()
    YesNo(material(tiny_backbone)).batches(0)[0].loss()
    assert {one.told for one in seen} == {None}


def test_the_next_gist_is_what_came_next(tiny_backbone: Backbone) -> None:
    task = NextGist(material(tiny_backbone))
    windows = draw_windows(LOG, None, 0)
    following = positives(LOG, windows)
    lessons = task.lessons(windows, following)
    for lesson, code, moment in zip(lessons, following, windows.moments, strict=True):
        shown = lines(tiny_backbone, lesson)
        assert shown[1:-1] == [GISTS[code]] * moment
        assert shown[-1] == "which item comes next? answer with its keywords."
        assert answer(tiny_backbone, lesson) == GISTS[code]


def test_an_item_is_asked_about_with_what_it_has(tiny_backbone: Backbone) -> None:
    whole = Alignment(material(tiny_backbone, features=pictured())).lesson(10)
    assert lines(tiny_backbone, whole) == [
        "item 10",
        "made blue",
        "the keywords of this item:",
    ]
    assert whole.question.codes == (10,)
    assert answer(tiny_backbone, whole) == "blue"
    written = Alignment(material(tiny_backbone)).lesson(10)
    assert written.question.codes == ()
    pictured_only = Alignment(material(tiny_backbone, features=pictured(), written=())).lesson(10)
    assert pictured_only.question.codes == (10,)
    assert lines(tiny_backbone, pictured_only) == ["the keywords of this item:"]


def test_a_title_that_is_the_answer_is_not_shown(tiny_backbone: Backbone) -> None:
    titled = CONFIG.model_copy(update={"told_by": "title"})
    lesson = Alignment(material(tiny_backbone, titled)).lesson(10)
    assert lines(tiny_backbone, lesson) == ["made blue", "the title of this item:"]
    assert answer(tiny_backbone, lesson) == "item 10"
    untold = [(GISTS[code], "") for code in range(N_ITEMS)]  # its title for want of a gist
    assert Alignment(material(tiny_backbone, written=untold)).batches(0) == []
    assert Alignment(material(tiny_backbone, written=())).batches(0) == []


def test_only_items_of_the_log_are_aligned(tiny_backbone: Backbone) -> None:
    log = faithful(3, 1)
    task = Alignment(material(tiny_backbone, log=log))
    seen: list[int] = []
    real = task.lesson
    task.lesson = lambda code: seen.append(code) or real(code)
    for batch in task.batches(0):
        batch.loss()
    assert set(seen) <= set(log.items.tolist())
    assert len(seen) == len(draw_windows(log, None, 0))


# --- room ---


@pytest.mark.parametrize("room", [0, 7, 30])
def test_no_prompt_is_over_the_budget(room: int, tiny_backbone: Backbone) -> None:
    free = material(tiny_backbone, features=pictured())
    ids, budget = tiny_backbone.text_ids, free.prompter.budget
    frame = [*ids("Candidates:\n"), *ids("Which of them comes next? Answer with its letter.\n")]
    two = 2 * (len(ids("A:")) + max(len(ids(f" {word}\n")) for word in KINDS))
    least = budget.frame + len(frame) + two + len(tiny_backbone.answer("A").ids)
    told = [f"long {'word ' * 9}\n"] * 7
    for evidence in (None, lambda windows, candidates: [told] * len(windows)):
        config = CONFIG.model_copy(update={"max_prompt_tokens": least + room})
        long = [(f"item {code}", "red sofa " * 200) for code in range(N_ITEMS)]
        limited = material(tiny_backbone, config, pictured(), written=long, evidence=evidence)
        windows = draw_windows(LOG, None, 0)
        following = positives(LOG, windows)
        codes = np.tile(np.arange(0, N_ITEMS, OF_A_KIND, dtype=np.int32), (len(windows), 2))[:, :7]
        slots = np.linspace(0, 0.99, len(windows), dtype=np.float32)
        choices = Choice(limited).lessons(windows, codes, slots)
        others = NextGist(limited).lessons(windows, following)
        items = map(Alignment(limited).lesson, sorted(set(LOG.items.tolist())))
        lengths = [
            len(lesson.question.ids) + len(lesson.answer.ids)
            for lesson in chain(choices, others, items)
        ]
        assert max(lengths) <= least + room
        assert len({answer(tiny_backbone, lesson) for lesson in choices}) >= 2
    short = material(tiny_backbone, CONFIG.model_copy(update={"max_prompt_tokens": least - 1}))
    with pytest.raises(ConfigError, match=r"task choice .*set recommender\.tasks\.choice to 0"):
        Choice(short)


def test_how_much_is_shown_does_not_hint_at_the_answer(tiny_backbone: Backbone) -> None:
    """The same user before a next item of a short gist and before one of a long gist."""
    gists = [GISTS[code] + " dotted plain green" * (code % 2) for code in range(N_ITEMS)]
    titles = [""] * N_ITEMS

    def question(limit: int | None, code: int) -> tuple[int, ...]:
        config = CONFIG.model_copy(update={"max_prompt_tokens": limit})
        asks = Prompter(tiny_backbone, NOUNS, titles, gists, NO_IMAGES, config)
        data = TrainingSet(LOG, lambda epoch: draw_windows(LOG, None, epoch), {})
        task = NextGist(Material(tiny_backbone, asks, NO_IMAGES, data, config))
        windows = Windows(np.zeros(1, np.int64), np.full(1, 4))
        return task.lessons(windows, np.array([code], np.int32))[0].question.ids

    whole = question(None, 0)
    for limit in range(len(whole) - 6, len(whole) + 12):
        assert question(limit, 0) == question(limit, 1)
    assert question(len(whole) - 6, 0) != whole


def test_a_long_text_is_shortened_to_its_own_limit(tiny_backbone: Backbone) -> None:
    config = CONFIG.model_copy(update={"tasks": TasksConfig(max_text_tokens=20)})
    long = [(f"item {code}", "red sofa " * 200) for code in range(N_ITEMS)]
    lesson = Alignment(material(tiny_backbone, config, written=long)).lesson(0)
    count = sum(len(tiny_backbone.text_ids(line)) for line in lines(tiny_backbone, lesson)[:2])
    assert 20 - 3 <= count <= 20


def test_a_new_tokenizer_learns_the_lines_that_ask() -> None:
    known = fixed_texts(NOUNS)
    for line in (
        "Candidates:\n",
        "Which of them comes next? Answer with its letter.\n",
        "Which item comes next? Answer with its keywords.\n",
        "Which item comes next? Answer with its title.\n",
        "The keywords of this item:",
        "The title of this item:",
    ):
        assert line in known
