"""What a stage reports of its prompts: how many there were, and what found no room in them.

Gists and titles are cut alike in all prompts of a run: that is said once, where it is trained.
"""

from dataclasses import asdict

from gistrec.counted import counted
from gistrec.mllm.budget import Cuts
from gistrec.pipeline.manifest import Facts
from gistrec.progress import say
from gistrec.recommender.prompter import Prompter


def tell_shortened(stage: str, prompter: Prompter) -> None:
    """Say how many gists and titles are cut, if any are."""
    counts = ((prompter.gists_shortened, "gist"), (prompter.titles_shortened, "title"))
    told = " and ".join(counted(count, what) for count, what in counts if count)
    if told:
        verb = "is" if sum(count for count, _ in counts) == 1 else "are"
        say(f"{stage}: {told} {verb} cut at recommender.max_gist_tokens")


def prompt_facts(stage: str, prompter: Prompter, cuts: Cuts) -> Facts:
    """Facts for a manifest; where entries found no room, one line for the person too.

    Args:
        stage: whose prompts.
        prompter: what put them together.
        cuts: counted over them.
    """
    if cuts:
        say(f"{stage}: {cuts.told(prompter.budget.limit)}")
    return {
        **asdict(cuts),
        "gists_shortened": prompter.gists_shortened,
        "titles_shortened": prompter.titles_shortened,
    }
