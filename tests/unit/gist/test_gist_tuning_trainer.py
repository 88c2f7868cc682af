"""What the GRPOTrainer is given: the gist stage's prompts, and the model's own probabilities."""

from pathlib import Path

import pytest
import torch
from tuning_cases import ALL, FULL, copied, settings, shop_of, talker

from gistrec.gist.tuning.frozen import prepare_policy
from gistrec.gist.tuning.questions import questions_for_tuning
from gistrec.gist.tuning.scorer import TERMS, Scorer
from gistrec.gist.tuning.trainer import GistTrainer, Policy
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.engines.engine import Answer
from gistrec.text.encoder import open_sentence_encoder

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries', which a tuning keeps quiet


@pytest.fixture
def trainer(tiny_backbone: Backbone, pictures: list[bytes], tmp_path: Path) -> GistTrainer:
    model, config = (
        copied(talker(tiny_backbone)),
        settings(rewards=ALL, temperature=0.7, precision="none"),
    )
    shop = shop_of(model, pictures)
    parts = questions_for_tuning(model, shop.titles, shop.texts, shop.features, config)
    frozen = prepare_policy(model, FULL, 0)
    encoder = open_sentence_encoder("lsa", shop.titles)
    scorer = Scorer(frozen, encoder, shop.titles, shop.texts, {}, config)
    policy = Policy(model, frozen, shop.features, parts.training, scorer, config)
    return GistTrainer(policy, tmp_path, "key")


def batch(trainer: GistTrainer, rows: list[int]) -> dict[str, torch.Tensor]:
    examples = [{"prompt": str(row), "row": row} for row in rows for _ in range(4)]
    return trainer._generate_and_score_completions(examples)


def test_prompts_are_the_gist_stages_own(trainer: GistTrainer) -> None:
    """Token for token, in every row of a batch of images and texts."""
    policy = trainer.policy
    about = [one.about for one in policy.asked]
    rows = [about.index("text"), about.index("image")]
    made = batch(trainer, rows)
    for number, row in enumerate(made["rows"].tolist()):
        one = policy.asked[row]
        title, text = policy.scorer.titles[one.code], policy.scorer.texts[one.code]
        segments = (
            prompts.image_keywords(one.code)
            if one.about == "image"
            else prompts.text_keywords(title, text)
        )
        expected = policy.backbone.question(segments, policy.features.grid).ids
        ids, mask = made["prompt_ids"][number], made["prompt_mask"][number].bool()
        assert tuple(ids[mask].tolist()) == expected


def test_answers_to_one_question_differ(trainer: GistTrainer) -> None:
    made = batch(trainer, [0, 1])
    answers = [tuple(ids.tolist()) for ids in made["completion_ids"]]
    assert len(set(answers[:4])) > 1


def test_log_probabilities_are_those_of_the_models_own_forward(trainer: GistTrainer) -> None:
    """At the temperature of the draws; the library's way, text by text, without padding."""
    policy = trainer.policy
    text = next(n for n, one in enumerate(policy.asked) if one.about == "text")
    made = batch(trainer, [text])
    ids = torch.cat([made["prompt_ids"], made["completion_ids"]], dim=1)
    mask = torch.cat([made["prompt_mask"], made["completion_mask"]], dim=1)
    keep = made["completion_ids"].shape[1]
    with torch.no_grad():
        said, unsure, _ = trainer._get_per_token_logps_and_entropies(None, ids, mask, keep)
        image = policy.backbone.family.image_token_id
        for number in range(len(ids)):
            row = ids[number][mask[number].bool()]
            logits = policy.backbone.language(input_ids=row[None]).last_hidden_state[0]
            logits = policy.backbone.logits(logits)
            logits[:, image] = -1e9  # no image is ever drawn
            shares = torch.log_softmax(logits / 0.7, dim=-1)
            count = int(made["completion_mask"][number].sum())
            begin = len(row) - count
            at = torch.arange(begin, len(row))
            torch.testing.assert_close(said[number, :count], shares[at - 1, row[at]])
            entropy = -(shares.exp() * shares)[at - 1].sum(dim=-1)
            torch.testing.assert_close(unsure[number, :count], entropy)
            assert not said[number, count:].any()


def test_the_terms_with_their_weights_are_the_whole_reward(trainer: GistTrainer) -> None:
    """So what the library maximises is the sum that is reported."""
    scorer, asked = trainer.policy.scorer, list(trainer.policy.asked)[:3]
    answers = [("red, sofa", False), ("I cannot say.", False), ("blue", False)]
    scores = scorer.scores([asked[0]] * 3, [Answer(*answer) for answer in answers])
    assert [gist is None for gist in scores.gists] == [False, True, False]
    weighted = torch.stack(
        [torch.from_numpy(scores.terms[name]) * scorer.weights[name] for name in TERMS]
    )
    torch.testing.assert_close(weighted.nansum(dim=0), torch.from_numpy(scores.total))
