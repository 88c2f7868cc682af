"""From codes to packed rows: the one place where a recommender's prompt is put together."""

from collections.abc import Sequence

from gistrec.config.recommender import RecommenderConfig
from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.images import ImageFeatures
from gistrec.mllm.packing import Row, Tokens
from gistrec.mllm.shortening import shortened


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
        self._backbone = backbone
        self._nouns = nouns
        self._config = config
        self._features = features
        self._titles = [self._short(title) for title in titles]
        self._gists = [self._short(gist) for gist in gists]
        self._branches: dict[int, Tokens] = {}

    def row(self, history: Sequence[int], nearby: Sequence[int], candidates: Sequence[int]) -> Row:
        """One user's row.

        Args:
            history: item codes, oldest first; the latest ``config.history`` are shown.
            nearby: what similar users chose next, most similar first.
            candidates: item codes, one branch each.
        """
        known = prompts.known_of_user(
            self._nouns,
            [self._gists[code] for code in history[-self._config.history :]],
            [self._gists[code] for code in nearby],
        )
        prefix = Tokens(self._backbone.before) + self._backbone.tokens(known)
        return Row(prefix, tuple(self._branch(code) for code in candidates))

    def _branch(self, code: int) -> Tokens:
        branch = self._branches.get(code)
        if branch is None:
            shown = self._config.candidate
            segments = prompts.candidate(
                code if "image" in shown and code in self._features else None,
                self._titles[code] if "title" in shown else "",
                self._gists[code] if "gist" in shown else "",
            )
            branch = self._backbone.tokens(segments, self._features.grid) + Tokens(
                self._backbone.after
            )
            self._branches[code] = branch
        return branch

    def _short(self, text: str) -> str:
        """``text`` on one line, shortened to the token budget."""
        most = self._config.max_gist_tokens
        line = " ".join(text.split())
        return shortened(line, lambda part: len(self._backbone.text_ids(part)) <= most)
