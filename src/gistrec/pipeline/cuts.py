"""What a stage reports of its prompts: how many there were, and what found no room in them.

Gists and titles are cut alike in all prompts of a run: that is said once, where it is trained.
"""

from dataclasses import asdict

from gistrec.config.system import SystemConfig
from gistrec.counted import counted
from gistrec.mllm.budget import Cuts
from gistrec.pipeline.manifest import Facts
from gistrec.progress import say
from gistrec.recommender.prompter import Prompter


def tell_shortened(stage: str, prompter: Prompter, config: SystemConfig) -> None:
    """Say how many of the gists and titles that prompts show are cut, if any are."""
    gists = prompter.gists_shortened if _shows_gists(config) else 0
    titles = prompter.titles_shortened if "title" in config.recommender.candidate else 0
    told = " and ".join(
        counted(count, what) for count, what in ((gists, "gist"), (titles, "title")) if count
    )
    if told:
        verb = "is" if gists + titles == 1 else "are"
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


def _shows_gists(config: SystemConfig) -> bool:
    """Whether any prompt or answer of the recommender tells an item by its gist."""
    recommender, tasks = config.recommender, config.recommender.tasks
    asked = tasks.choice + tasks.next_gist + tasks.alignment
    shown = recommender.history + config.collab.neighbours
    return "gist" in recommender.candidate or asked + shown > 0
