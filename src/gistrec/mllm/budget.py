"""How much of a prompt is shown where it would grow too long: planned by counts, before any text.

What must be there: frame, taste, question, the longest candidate with its images, answer. Then,
while there is room: the latest entry of the history, the similar users' entries from the most
similar on, the rest of the history from the latest on. So a shorter limit cuts the history at its
oldest end first, then the least similar neighbours. Nothing is left out before what follows it
here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from gistrec.errors import ConfigError


class Plan(NamedTuple):
    """What one prompt shows.

    Attributes:
        history: how many of the latest entries.
        neighbours: how many of the most similar users' entries.
        tokens: of the whole prompt with the longest candidate and the answer.
        history_cut, neighbours_cut: entries that found no room.
    """

    history: int
    neighbours: int
    tokens: int
    history_cut: int = 0
    neighbours_cut: int = 0


@dataclass(frozen=True)
class Budget:
    """Token counts of what every prompt of a recommender holds, and how many it may hold.

    Attributes:
        frame: the chat's frame and the line above the history.
        heading: the line above the similar users' entries; there where one of them is.
        question: the question about a candidate.
        candidate: the longest candidate there is, its image included.
        image: how many of the candidate's are its image's.
        answer: the answer.
        most: what `recommender.max_prompt_tokens` allows; None for all that the backbone reads.
        context: what the backbone reads, answer included; None where it sets no bound.
        taste: the longest line that tells a taste; 0 where none is told.
    """

    frame: int
    heading: int
    question: int
    candidate: int
    image: int
    answer: int
    most: int | None
    context: int | None
    taste: int = 0

    def __post_init__(self) -> None:
        """Refuse a limit that no prompt keeps.

        Raises:
            ConfigError: says what is too long, by how many tokens, and what to set.
        """
        if self.most is not None and self.context is not None and self.most > self.context:
            raise ConfigError(
                f"recommender.max_prompt_tokens is {self.most}, but the backbone reads at most "
                f"{self.context} tokens; set it to {self.context} or less, or leave it out"
            )
        if self.limit is not None and self.least > self.limit:
            raise ConfigError(self._too_long(self.limit))

    @property
    def limit(self) -> int | None:
        """Tokens that a prompt may take, answer included; None for any number."""
        return self.context if self.most is None else self.most

    @property
    def least(self) -> int:
        """Tokens of a prompt without any entry."""
        return self.frame + self.taste + self.question + self.candidate + self.answer

    def plan(self, history: Sequence[int], neighbours: Sequence[int]) -> Plan:
        """What of a user's entries is shown.

        Args:
            history: tokens of each entry, oldest first.
            neighbours: tokens of each similar users' entry, most similar first.
        """
        limit = self.limit
        whole = self.least + sum(history)
        if neighbours:
            whole += self.heading + sum(neighbours)
        if limit is None or whole <= limit:
            return Plan(len(history), len(neighbours), whole)
        latest = min(1, len(history))
        wanted = [*history[len(history) - latest :], *neighbours, *history[-2::-1]]
        if neighbours:
            wanted[latest] += self.heading
        reached = list(accumulate(wanted, initial=self.least))
        kept = bisect_right(reached, limit) - 1
        shown = min(max(kept - latest, 0), len(neighbours))
        return Plan(
            kept - shown,
            shown,
            reached[kept],
            len(history) - (kept - shown),
            len(neighbours) - shown,
        )

    def _too_long(self, limit: int) -> str:
        image = f" ({self.image} of them its image's)" if self.image else ""
        whose = "recommender.max_prompt_tokens" if self.most is not None else "the backbone"
        ways = ["lower recommender.max_gist_tokens"]
        if self.image:
            ways += ["lower backbone.max_image_tokens", "take image out of recommender.candidate"]
        if self.context is None or self.least <= self.context:
            ways.insert(0, f"set recommender.max_prompt_tokens to {self.least} or more")
        else:
            ways.append(f"name a backbone that reads {self.least} tokens")
        taste = f"the taste {self.taste}, " if self.taste else ""
        ways += ["lower taste.max_new_tokens"] if self.taste else []
        return (
            f"prompts are too long by {self.least - limit} tokens even without any history: "
            f"the frame takes {self.frame}, {taste}the question {self.question}, the longest "
            f"candidate {self.candidate}{image}, the answer {self.answer}, and {whose} allows "
            f"{limit}. Ways out: {', or '.join(ways)}"
        )


@dataclass(frozen=True)
class Cuts:
    """What was shown of many prompts and what found no room; candidates of a user share a prompt.

    Attributes:
        prompts: how many there were.
        history_cut_prompts: those whose history was shortened.
        history_entries_cut, neighbours_cut: entries left out, of all prompts together.
        longest_prompt: tokens of the longest, with the longest candidate and the answer.
    """

    prompts: int = 0
    history_cut_prompts: int = 0
    history_entries_cut: int = 0
    neighbours_cut: int = 0
    longest_prompt: int = 0

    def __bool__(self) -> bool:
        return bool(self.history_entries_cut or self.neighbours_cut)

    def told(self, limit: int | None) -> str:
        """One line for a person."""
        return (
            f"{self.history_cut_prompts} of {self.prompts} prompts show less than their history "
            f"to keep to {limit} tokens: {self.history_entries_cut} entries of histories and "
            f"{self.neighbours_cut} of similar users were left out"
        )


def cuts_of(plans: Iterable[Plan]) -> Cuts:
    """Count over plans."""
    prompts = cut_prompts = entries = neighbours = longest = 0
    for plan in plans:
        prompts += 1
        cut_prompts += plan.history_cut > 0
        entries += plan.history_cut
        neighbours += plan.neighbours_cut
        longest = max(longest, plan.tokens)
    return Cuts(prompts, cut_prompts, entries, neighbours, longest)
