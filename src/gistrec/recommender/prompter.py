"""From codes to packed rows: the one place where a recommender's prompt is put together.

What a prompt shows of a user depends on the user alone: room is kept for the longest candidate of
the catalogue, so that all candidates are judged behind the same words, in training as in ranking.
"""

from collections.abc import Callable, Sequence
from itertools import chain

from gistrec.config.recommender import RecommenderConfig
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.budget import Budget, Plan
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.shortening import shortened
from gistrec.mllm.vision.features import ImageFeatures

ANSWER_TOKENS = 1  # yes or no


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
    ) -> None:
        """Shorten and count what prompts may show.

        Args:
            backbone: whose tokens.
            nouns: the dataset's words.
            titles: of every item, in catalogue order.
            gists: likewise.
            features: of the items' images.
            config: what prompts show, and how much of it.

        Raises:
            ConfigError: the longest candidate leaves no room for a prompt; says what to set.
        """
        self._backbone = backbone
        self._config = config
        self._features = features
        self._titles = [self._short(title) for title in titles]
        self._gists = [self._short(gist) for gist in gists]
        self.titles_shortened = _differing(titles, self._titles)
        self.gists_shortened = _differing(gists, self._gists)
        self._lines = opening, heading, question = prompts.frame_lines(nouns)
        self._frame = (
            backbone.opening(opening),
            backbone.text_ids(heading),
            backbone.text_ids(question),
        )
        self._entries: list[tuple[int, ...]] = []
        self._branches: dict[int, Tokens] = {}
        longest = (0, 0)
        for code, gist in enumerate(self._gists):
            self._entries.append(backbone.text_ids(prompts.entry(gist)))
            longest = max(longest, self.candidate_tokens(code), key=sum)
        self.budget = self._budget(*longest)

    def plan(self, history: Sequence[int], nearby: Sequence[int]) -> Plan:
        """How much of a user the prompt shows; arguments as those of ``row``."""
        shown, near = (
            [len(self._entries[code]) for code in codes]
            for codes in (history[-self._config.history :], nearby)
        )
        return self.budget.plan(shown, near)

    def row(self, history: Sequence[int], nearby: Sequence[int], candidates: Sequence[int]) -> Row:
        """One user's row.

        Args:
            history: item codes, oldest first; the latest ``config.history`` are shown, fewer where
                the budget of tokens is short.
            nearby: what similar users chose next, most similar first.
            candidates: item codes, one branch each.
        """
        known = self._in_order(self._frame, self._entries.__getitem__, history, nearby)
        prefix = Tokens(tuple(chain.from_iterable(known)))
        return Row(prefix, tuple([self._branch(code) for code in candidates]))

    def segments(
        self, history: Sequence[int], nearby: Sequence[int], candidate: int
    ) -> list[prompts.Segment]:
        """The prompt of one user and one candidate as texts and images, without the chat's frame.

        It has the ids of the branch of ``row``; arguments as there.
        """
        known = self._in_order(
            self._lines, lambda code: prompts.entry(self._gists[code]), history, nearby
        )
        return [*known, *self._candidate(candidate)]

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
        )

    def _in_order(
        self,
        frame: prompts.FrameLines[prompts.Part],
        entry: Callable[[int], prompts.Part],
        history: Sequence[int],
        nearby: Sequence[int],
    ) -> list[prompts.Part]:
        """What is shown of a user as ``entry`` gives it, its lines as ``frame`` does."""
        plan = self.plan(history, nearby)
        shown = history[len(history) - plan.history :]
        return prompts.in_order(
            frame, list(map(entry, shown)), list(map(entry, nearby[: plan.neighbours]))
        )

    def _branch(self, code: int) -> Tokens:
        branch = self._branches.get(code)
        if branch is None:
            words = self._backbone.tokens(self._candidate(code), self._features.grid)
            branch = words + Tokens(self._backbone.after)
            self._branches[code] = branch
        return branch

    def _candidate(self, code: int) -> list[prompts.Segment]:
        shown = self._config.candidate
        return prompts.candidate(
            code if "image" in shown and code in self._features else None,
            self._titles[code] if "title" in shown else "",
            self._gists[code] if "gist" in shown else "",
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
