"""What a stage reports of its prompts: how many there were, and what found no room in them."""

from dataclasses import asdict

from gistrec.mllm.budget import Cuts
from gistrec.pipeline.manifest import Facts
from gistrec.progress import say
from gistrec.recommender.prompter import Prompter


def prompt_facts(stage: str, prompter: Prompter, cuts: Cuts) -> Facts:
    """Facts for a manifest; where something was cut, one line for the person too.

    Args:
        stage: whose prompts.
        prompter: what put them together.
        cuts: counted over them.
    """
    told = [cuts.told(prompter.budget.limit)] if cuts else []
    shortened = prompter.gists_shortened + prompter.titles_shortened
    if shortened:
        told.append(f"{shortened} gists and titles are cut at recommender.max_gist_tokens")
    if told:
        say(f"{stage}: {'; '.join(told)}")
    return {
        **asdict(cuts),
        "gists_shortened": prompter.gists_shortened,
        "titles_shortened": prompter.titles_shortened,
    }
