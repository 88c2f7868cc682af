"""The ranker that asks a server, against the one that asks the same model here."""

from pathlib import Path

import numpy as np
import pytest
from recommender_cases import GISTS, N_ITEMS, NOUNS, fickle

from gistrec.config.recommender import RecommenderConfig
from gistrec.data.ranker import UNRANKED
from gistrec.errors import EngineError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines import client
from gistrec.mllm.engines.journal import Journal
from gistrec.mllm.engines.server_scoring import Scored, ServerScorer
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.known import Known
from gistrec.recommender.nearby import Nearby
from gistrec.recommender.prompter import Prompter
from gistrec.recommender.rank import MllmRanker
from gistrec.recommender.served import ServedRanker
from servers.scripted import Asked, Reply, Rule, failing, serving
from servers.tiny_vllm import TinyVllm, looked_at

USERS = 4
HISTORIES = fickle(USERS, 0)
CANDIDATES = np.array([[0, 1, 17], [3, 39, 2], [5, 4, 7], [0, 8, 30]], dtype=np.int32)
NEARBY: Nearby = {("u1", 5): [30, 31]}
RETRIEVED: Nearby = {(f"u{user}", 5): [user, 17] for user in range(USERS)}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_BACK_OFF", 0.01)


class Both:
    """The two rankers; the first six items have images."""

    def __init__(self, backbone: Backbone, pictures: list[bytes], journal: Path) -> None:
        seen = looked_at(backbone, pictures)
        table = {
            code: (seen.grid(code), seen.of([code], backbone.device))
            for code in range(len(pictures))
        }
        features = ImageFeatures.held(N_ITEMS, table)
        titles = [f"Item {code}" for code in range(N_ITEMS)]
        prompter = Prompter(backbone, NOUNS, titles, GISTS, features, RecommenderConfig())
        self.backbone, self.pictures, self.journal = backbone, pictures, journal
        self.prompter = prompter
        self.local = MllmRanker(
            "tiny", backbone, prompter, features, Known(NEARBY, RETRIEVED), N_ITEMS
        )

    def served(self, rule: Rule, whole: bool = False) -> tuple[np.ndarray, int, int]:
        """Scores, prompts read otherwise, and requests."""
        with serving(rule) as server, Journal.open(self.journal, Scored.read) as journal:
            scorer = ServerScorer(
                server.config(concurrency=2),
                dict(enumerate(self.pictures)).get,
                self.backbone.yes_ids,
                self.backbone.no_ids,
            )
            ranker = ServedRanker(
                "tiny@server",
                self.backbone,
                self.prompter,
                scorer,
                journal,
                Known(NEARBY, RETRIEVED),
                N_ITEMS,
            )
            scores = ranker.score(HISTORIES, None if whole else CANDIDATES)
            return scores, ranker.read_otherwise, len(server.chats)


@pytest.fixture
def both(tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path) -> Both:
    return Both(tiny_backbone, pictures, tmp_path / "answers.jsonl")


def test_scores_are_those_of_the_model_here(both: Both) -> None:
    expected = both.local.score(HISTORIES, CANDIDATES)
    scores, otherwise, asked = both.served(TinyVllm(both.backbone))
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert expected.std() > 1e-2
    assert (scores.dtype, otherwise, asked) == (np.float32, 0, CANDIDATES.size)


def test_over_the_catalogue_what_was_not_retrieved_is_unranked(both: Both) -> None:
    scores, _, asked = both.served(TinyVllm(both.backbone), whole=True)
    np.testing.assert_allclose(scores, both.local.score(HISTORIES, None), atol=1e-4)
    assert asked == (scores != UNRANKED).sum() == 2 * USERS


def test_what_was_answered_is_not_asked_for_again(both: Both) -> None:
    whole, left = TinyVllm(both.backbone), iter(range(5))

    def mortal(asked: Asked) -> Reply:
        return failing(400, "gone") if next(left, None) is None else whole(asked)

    with pytest.raises(EngineError, match="gone"):
        both.served(mortal)
    kept = len(both.journal.read_text(encoding="utf-8").splitlines())
    assert 4 <= kept <= 5
    scores, _, asked = both.served(whole)
    assert asked == CANDIDATES.size - kept
    np.testing.assert_allclose(scores, both.local.score(HISTORIES, CANDIDATES), atol=1e-4)
    again, _, asked = both.served(whole)
    assert asked == 0
    np.testing.assert_array_equal(again, scores)


def test_prompts_in_which_a_server_reads_other_tokens_are_counted(both: Both) -> None:
    """As one that shrinks images: those of items 0 to 5 take fewer tokens."""
    whole = TinyVllm(both.backbone)

    def shrinking(asked: Asked) -> Reply:
        reply = whole(asked)
        if asked.images:
            reply.body["usage"]["prompt_tokens"] -= 1  # type: ignore[index]
        return reply

    assert both.served(shrinking)[1] == (CANDIDATES < 6).sum()
    assert both.served(shrinking)[1:] == ((CANDIDATES < 6).sum(), 0)
