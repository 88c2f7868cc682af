"""From codes to packed rows: the one place where a recommender's prompt is put together.

What a prompt shows of a user depends on the user alone: room is kept for the longest candidate of
the catalogue, so that all candidates are judged behind the same words, in training as in ranking.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

from gistrec.config.recommender import RecommenderConfig
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.budget import Budget, Plan
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.shortening import shortened
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.recommender.profile import Profile

ANSWER_TOKENS = 1  # yes or no
_Frame = prompts.FrameLines[tuple[int, ...]]


class Prompter:
    """Builds rows for users and candidates of one catalogue; candidates are tokenised once."""

    def __init__(
        self,
        backbone: Backbone,
        nouns: prompts.Nouns,
        titles: Sequence[str],
        gists: Sequence[str],
        features: ImageFeatures,
        config: RecommenderConfig,
        longest_told: str = "",
        longest_taste: int = 0,
    ) -> None:
        """Shorten and count what prompts may show.

        Args:
            backbone: whose tokens.
            nouns: the dataset's words.
            titles: of every item, in catalogue order.
            gists: likewise.
            features: of the items' images.
            config: what prompts show, and how much of it.
            longest_told: the longest line of evidence behind a candidate; empty for none.
            longest_taste: tokens that the longest taste takes; 0 where none is told.

        Raises:
            ConfigError: the longest candidate leaves no room for a prompt; says what to set.
        """
        self._backbone = backbone
        self._config = config
        self._features = features
        self.nouns = nouns
        self._titles = [self._short(title) for title in titles]
        told_by = gists if config.told_by == "gist" else titles
        self._gists = [self._short(gist) for gist in told_by]
        self.titles_shortened = _differing(titles, self._titles)
        self.gists_shortened = _differing(told_by, self._gists)
        self._lines = opening, heading, question = prompts.frame_lines(nouns)
        self._frame = (
            backbone.opening(opening),
            backbone.text_ids(heading),
            backbone.text_ids(question),
        )
        self._taste_room = self._added_by("") + longest_taste if longest_taste else 0
        self._entries: list[tuple[int, ...]] = []
        self._branches: dict[int, Tokens] = {}
        self._told: dict[str, Tokens] = {}
        self._after = Tokens(backbone.after)
        longest = (0, 0)
        for code, gist in enumerate(self._gists):
            self._entries.append(backbone.text_ids(prompts.entry(gist)))
            longest = max(longest, self.candidate_tokens(code), key=sum)
        words, image = longest
        self.budget = self._budget(words + self._count(longest_told), image)

    def plan(self, profile: Profile) -> Plan:
        """How much of a user the prompt shows."""
        return self._planned(self.budget, profile)

    def row(
        self, profile: Profile, candidates: Sequence[int], told: Sequence[str] | None = None
    ) -> Row:
        """One user's row.

        Args:
            profile: the user; the latest ``config.history`` items are shown, fewer where the budget
                of tokens is short.
            candidates: item codes, one branch each.
            told: a line of evidence a candidate; None for none.
        """
        prefix = self._prefix(self._frame, profile, self.plan(profile))
        if told is None:
            return Row(prefix, tuple([self._branch(code) for code in candidates]))
        pairs = zip(candidates, told, strict=True)
        return Row(prefix, tuple([self._branch_told(code, line) for code, line in pairs]))

    def prefix(self, profile: Profile, closing: Sequence[int], answer: int) -> Tokens:
        """What is known of a user, then other lines that ask than those of ``row``.

        Args:
            profile: as that of ``row``.
            closing: token ids of the lines that ask.
            answer: tokens that the answer takes, for which room is kept.

        Raises:
            ConfigError: there is no room for such a prompt even without any history.
        """
        budget = replace(self.budget, question=len(closing), candidate=0, image=0, answer=answer)
        opening, heading, _ = self._frame
        frame = (opening, heading, tuple(closing))
        return self._prefix(frame, profile, self._planned(budget, profile))

    def words(self, code: int) -> str:
        """What an item is told by, as it is shown; empty where nothing is known of it."""
        return self._gists[code]

    def segments(self, profile: Profile, candidate: int, told: str = "") -> list[prompts.Segment]:
        """The prompt of one user and one candidate as texts and images, without the chat's frame.

        It has the ids of the branch of ``row``; arguments as there, ``told`` empty for none.
        """
        tastes = [self._taste(profile)] if profile.taste else []
        known = self._in_order(
            self._lines,
            lambda code: prompts.entry(self._gists[code]),
            profile,
            tastes,
            self.plan(profile),
        )
        return [*known, *self._candidate(candidate), *([told] if told else ())]

    def taste_tokens(self, profile: Profile) -> int:
        """Tokens of the line that tells a user's taste; 0 without one."""
        return self._count(self._taste(profile)) if profile.taste else 0

    def entry_tokens(self, codes: Sequence[int]) -> int:
        """Tokens of these items' entries in a prompt."""
        return sum(len(self._entries[code]) for code in codes)

    def candidate_tokens(self, code: int) -> tuple[int, int]:
        """Tokens of a candidate's words, and of its image with the marks around it."""
        words = image = 0
        for segment in self._candidate(code):
            if isinstance(segment, prompts.ItemImage):
                image += len(self._backbone.image_ids(self._features.grid(segment.code)))
            else:
                words += self._count(segment)
        return words, image

    def _budget(self, words: int, image: int) -> Budget:
        """Of prompts whose longest candidate takes so many tokens for its words and its image."""
        opening, heading, question = map(len, self._frame)
        return Budget(
            frame=opening + len(self._backbone.after),
            heading=heading,
            question=question,
            candidate=words + image,
            image=image,
            answer=ANSWER_TOKENS,
            most=self._config.max_prompt_tokens,
            context=self._backbone.context,
            taste=self._taste_room,
        )

    def _prefix(self, frame: _Frame, profile: Profile, plan: Plan) -> Tokens:
        """What ``plan`` shows of a user in token ids, its lines as ``frame`` does."""
        entry, tastes = self._entries.__getitem__, []
        if profile.taste:
            # The chat's frame stands around what comes first.
            tastes = [self._backbone.opening(self._taste(profile))]
            frame = (self._backbone.text_ids(self._lines[0]), *frame[1:])
        known = self._in_order(frame, entry, profile, tastes, plan)
        return Tokens(tuple(chain.from_iterable(known)))

    def _in_order(
        self,
        frame: prompts.FrameLines[prompts.Part],
        entry: Callable[[int], prompts.Part],
        profile: Profile,
        tastes: Sequence[prompts.Part],
        plan: Plan,
    ) -> list[prompts.Part]:
        """What ``plan`` shows of a user, as ``entry`` gives it, its lines as ``frame`` does."""
        shown = profile.history[len(profile.history) - plan.history :]
        nearby = profile.nearby[: plan.neighbours]
        return prompts.in_order(frame, list(map(entry, shown)), list(map(entry, nearby)), tastes)

    def _planned(self, budget: Budget, profile: Profile) -> Plan:
        latest = profile.history[max(0, len(profile.history) - self._config.history) :]
        shown, near = (
            [len(self._entries[code]) for code in codes] for codes in (latest, profile.nearby)
        )
        return budget.plan(shown, near)

    def _taste(self, profile: Profile) -> str:
        """The line that tells a taste, no longer than room was kept for."""
        room = self._taste_room
        told = shortened(profile.taste, lambda part: self._added_by(part) <= room)
        return prompts.taste_line(told)

    def _added_by(self, taste: str) -> int:
        """Tokens that a prompt grows by where the line that tells ``taste`` opens it."""
        opening, _, _ = self._frame
        told = self._backbone.opening(prompts.taste_line(taste))
        return len(told) + self._count(self._lines[0]) - len(opening)

    def _branch(self, code: int) -> Tokens:
        branch = self._branches.get(code)
        if branch is None:
            words = self._backbone.tokens(self._candidate(code), self._features.grid)
            branch = words + self._after
            self._branches[code] = branch
        return branch

    def _branch_told(self, code: int, line: str) -> Tokens:
        """A candidate with a line of evidence: few lines are said of very many pairs."""
        told = self._told.get(line)
        if told is None:
            told = self._told[line] = Tokens(self._backbone.text_ids(line)) + self._after
        bare = self._branch(code)
        return Tokens(bare.ids[: len(bare.ids) - len(self._after.ids)], bare.images) + told

    def _candidate(self, code: int) -> list[prompts.Segment]:
        shown = self._config.candidate
        named = "title" in shown or ("gist" in shown and self._config.told_by == "title")
        return prompts.candidate(
            code if "image" in shown and code in self._features else None,
            self._titles[code] if named else "",
            self._gists[code] if "gist" in shown and self._config.told_by == "gist" else "",
        )

    def _count(self, text: str) -> int:
        return len(self._backbone.text_ids(text))

    def _short(self, text: str) -> str:
        """``text`` on one line, shortened to the token budget."""
        most = self._config.max_gist_tokens
        return shortened(_line(text), lambda part: self._count(part) <= most)


def _line(text: str) -> str:
    return " ".join(text.split())


def _differing(before: Sequence[str], after: Sequence[str]) -> int:
    """How many texts were cut."""
    return sum(_line(one) != other for one, other in zip(before, after, strict=True))
