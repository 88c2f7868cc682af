"""The exact prompt of a user and a candidate, from the token ids that the recommender scores."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from gistrec import schema
from gistrec.counted import counted
from gistrec.data.queries import Queries
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.mllm.readable import readable
from gistrec.pipeline.collab import asked_neighbours
from gistrec.pipeline.manifest import read_manifest
from gistrec.pipeline.recommend import Recommendations
from gistrec.pipeline.recommender import recommender_stage_name
from gistrec.recommender.profile import Profile

Moment = Literal["test question", "cold question", "validation question", "all that is known"]


class Shares(BaseModel):
    """Where a prompt's tokens go.

    Attributes:
        frame: the chat's frame and the line above the history.
        taste: of the line that tells the user's taste.
        history, neighbours: of their entries; the neighbours' heading included.
        question: the question about the candidate.
        candidate_text, candidate_image: of the candidate; its image's marks included.
        evidence: what the log says of the user and the candidate.
        answer: yes or no.
        total: all of these.
        limit: what `recommender.max_prompt_tokens` or else the backbone allows.
        reserved: tokens kept for longer candidates and tastes than these: the limit holds for the
            longest.
        history_entries, neighbours_entries: how many are shown.
        history_entries_cut, neighbours_entries_cut: how many found no room.
    """

    model_config = ConfigDict(frozen=True)

    frame: int
    taste: int
    history: int
    neighbours: int
    question: int
    candidate_text: int
    candidate_image: int
    evidence: int
    answer: int
    total: int
    limit: int | None
    reserved: int
    history_entries: int
    history_entries_cut: int
    neighbours_entries: int
    neighbours_entries_cut: int


class ShownPrompt(BaseModel):
    """One prompt as it is scored.

    Attributes:
        user_id, item_id: whose, and about what.
        system: which of the run's systems is asked so.
        behind: the system that was asked for, where it joins what this one says with the log.
        moment: which moment of the user it is of.
        known: interactions of the user known at that moment.
        backbone: the model's name, as the configuration has it.
        prompt_version: of the templates.
        trained_version: of those that the recommender was trained on.
        probability: p(yes) / (p(yes) + p(no)) that the model gives the item.
        tokens: where its tokens go.
        text: decoded from ``ids``, images named and counted.
        ids: what is scored, up to where the answer begins.
    """

    model_config = ConfigDict(frozen=True)

    user_id: str
    item_id: str
    system: str
    behind: str | None
    moment: Moment
    known: int
    backbone: str
    prompt_version: str
    trained_version: str
    probability: float
    tokens: Shares
    text: str
    ids: tuple[int, ...]

    def table(self) -> Table:
        """Its tokens by part, for a person to read."""
        shares = self.tokens
        versions = f"prompts of version {self.prompt_version}"
        if self.trained_version != self.prompt_version:
            versions += f" (trained on version {self.trained_version})"
        table = Table(
            title=escape(
                f"user {self.user_id}, item {self.item_id}: p(yes) {self.probability:.3f} "
                f"by {self.system}" + (f", the model behind {self.behind}" if self.behind else "")
            ),
            caption=escape(f"{versions}, backbone {self.backbone}"),
            title_justify="left",
            caption_justify="left",
        )
        table.add_column("part")
        table.add_column("tokens", justify="right")
        table.add_column("what")
        rows: list[tuple[str, int | None, str]] = [
            ("frame", shares.frame, "the chat's marks and the first line"),
            ("taste", shares.taste, ""),
            (
                "history",
                shares.history,
                _entries(shares.history_entries, shares.history_entries_cut),
            ),
            (
                "neighbours",
                shares.neighbours,
                _entries(shares.neighbours_entries, shares.neighbours_entries_cut),
            ),
            ("question", shares.question, ""),
            ("candidate text", shares.candidate_text, ""),
            ("candidate image", shares.candidate_image, ""),
            ("evidence", shares.evidence, ""),
            ("answer", shares.answer, "yes or no"),
            ("total", shares.total, f"{self.moment}, {counted(self.known, 'interaction')} known"),
            ("limit", shares.limit, f"{shares.reserved} kept for longer ones"),
        ]
        for part, count, what in rows:
            table.add_row(part, "none" if count is None else str(count), what)
        return table


def shown_prompt(found: Recommendations, user: str, item: str | None = None) -> ShownPrompt:
    """The prompt about ``item`` at the moment the split asks ``user`` about, else after all known.

    Args:
        found: a finished run.
        user: id of a user of its dataset.
        item: id of an item; by default what really came next where the split asks that, else the
            top recommendation.

    Raises:
        RunError: the dataset does not know the user or the item.
    """
    moment, history, following = _question(found, user)
    code = _code(found, item) if item is not None else following
    if code is None:
        code = _code(found, found.recommend(user, 1, why=False).items[0].item_id)
    known = found.known(_neighbours(found, history))
    ranker = found.recommender.ranker(known)
    (row,) = ranker.rows(history, [[code]])
    (score,) = ranker.score_lists(history, [[code]])
    (profile,) = known.profiles(history)
    line = known.tell(history, [[code]])[0][0] if known.tell else ""
    prompt = row.prefix + row.branches[0]
    work = found.work
    stage = recommender_stage_name(found.recommender.evidence is not None)
    return ShownPrompt(
        user_id=user,
        item_id=str(work.dataset.item_ids[code]),
        system=found.recommender.name,
        behind=found.system if found.system != found.recommender.name else None,
        moment=moment,
        known=int(history.lengths[0]),
        backbone=work.config.backbone.model,
        prompt_version=PROMPT_VERSION,
        trained_version=read_manifest(work.run / stage).inputs["prompts"],
        probability=1.0 / (1.0 + float(np.exp(-score[0]))),
        tokens=_shares(found, profile, code, line, len(prompt.ids)),
        text=readable(found.recommender.backbone, prompt, found.name),
        ids=prompt.ids,
    )


def _question(found: Recommendations, user: str) -> tuple[Moment, Sequences, int | None]:
    """The moment a user is asked about, what is known then, and what came next."""
    split = found.split
    asked: list[tuple[Moment, Queries | None]] = [
        ("test question", split.test),
        ("cold question", split.cold),
        ("validation question", split.valid),
    ]
    for moment, queries in asked:
        if queries is None:
            continue
        places = np.flatnonzero((queries.histories.users == user).to_numpy())
        if len(places):
            chosen = queries.take(places[:1])
            return moment, chosen.histories, int(chosen.positives[0])
    return "all that is known", found.history_of(user), None


def _neighbours(found: Recommendations, history: Sequences) -> pl.DataFrame:
    """Those of the run's own question; where it asked none, found in the same way."""
    known = asked_neighbours(found.work.run / "collab").filter(
        pl.col(schema.USER_ID) == history.users[0], pl.col(schema.MOMENT) == history.lengths[0]
    )
    return known if len(known) else found.neighbours_of(history)


def _code(found: Recommendations, item: str) -> int:
    dataset = found.work.dataset
    places = np.flatnonzero((dataset.item_ids == item).to_numpy())
    if not len(places):
        raise RunError(
            f"item {item!r} is not in {dataset.folder}; "
            f"its items are called like {dataset.item_ids[0]!r}"
        )
    return int(places[0])


def _shares(found: Recommendations, profile: Profile, code: int, line: str, tokens: int) -> Shares:
    prompter = found.recommender.prompter
    budget, plan = prompter.budget, prompter.plan(profile)
    history, near = profile.history, profile.nearby
    words, image = prompter.candidate_tokens(code)
    evidence = len(found.recommender.backbone.text_ids(line))
    heading = budget.heading if plan.neighbours else 0
    taste = prompter.taste_tokens(profile)
    shown = prompter.entry_tokens(history[len(history) - plan.history :])
    neighbours = heading + prompter.entry_tokens(near[: plan.neighbours])
    rest = taste + shown + neighbours + budget.question + words + image + evidence
    return Shares(
        frame=tokens - rest,
        taste=taste,
        history=shown,
        neighbours=neighbours,
        question=budget.question,
        candidate_text=words,
        candidate_image=image,
        evidence=evidence,
        answer=budget.answer,
        total=tokens + budget.answer,
        limit=budget.limit,
        reserved=plan.tokens - tokens - budget.answer,
        history_entries=plan.history,
        history_entries_cut=plan.history_cut,
        neighbours_entries=plan.neighbours,
        neighbours_entries_cut=plan.neighbours_cut,
    )


def _entries(shown: int, cut: int) -> str:
    left_out = f", {cut} left out to keep to the limit" if cut else ""
    return f"{'1 entry' if shown == 1 else f'{shown} entries'}{left_out}"
