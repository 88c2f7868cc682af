"""Stage `gist-tuning`: the backbone that writes gists, tuned by rewards; absent where it is not."""

from pathlib import Path

from pydantic import ValidationError

from gistrec.errors import RunError
from gistrec.files import fingerprint_of
from gistrec.gist.tuning.questions import items_with_words
from gistrec.gist.tuning.report import TuningReport
from gistrec.gist.tuning.tune import REPORT_FILE, Shop, tune_gists
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.pipeline.backbone import open_backbone, open_features
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.transfer import take_over, taken_input, taken_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.progress import say
from gistrec.text.encoder import resolved_kind

GIST_TUNING = "gist-tuning"
_MODEL = "model"


def refuse_untunable(work: Workplace) -> None:
    """Refuse at the start of a run what its gist tuning would refuse after hours.

    Raises:
        ConfigError: gists are to be tuned, and too few items have words; says what to set.
    """
    if work.config.recommender.from_run is not None:
        return  # nothing is tuned here
    if work.config.recommends and work.config.gist.tuning.kind != "none":
        items_with_words(work.titles, work.texts)


def gist_tuning_stage(work: Workplace, backbone: Path) -> Path | None:
    """Tune the backbone that writes gists; where it stands, it stays.

    Returns:
        The stage's folder, with the tuned model or adapter in ``model``; None where the
        configuration tunes none.
    """
    config = work.config.gist
    if config.tuning.kind == "none":
        return None
    decided = config.deciding_tuning()
    inputs = {
        "dataset": work.dataset.fingerprint,
        "backbone": stage_fingerprint(backbone),
        "prompts": PROMPT_VERSION,
        "encoder": resolved_kind(config.tuning.rewards.encoder),
    }

    taken = taken_stage(work.config, GIST_TUNING)
    inputs |= taken_input(work.config, GIST_TUNING)

    def build(folder: Path) -> Facts:
        if taken is not None:
            return take_over(taken, folder)
        model = open_backbone(backbone, work.config.backbone)
        ids = work.dataset.item_ids.to_list()
        shop = Shop(ids, work.titles, work.texts, open_features(work, backbone))
        key = fingerprint_of([decided.model_dump(mode="json"), inputs])
        report = tune_gists(model, shop, config, folder, key)
        model.save(folder / _MODEL)
        for line in report.told():
            say(line)
        return {
            "steps": report.steps,
            "best_step": report.best_step,
            "reward_before": report.before.reward,
            "reward_after": report.after.reward,
            "keywords_an_item_before": report.before.keywords_an_item,
            "keywords_an_item_after": report.after.keywords_an_item,
            "encoder": report.encoder,
            "training_seconds": report.seconds,
            "warnings": list(report.warnings),
        }

    return run_stage(work.run, GIST_TUNING, decided, inputs, build)


def gist_tuning_report(run: Path) -> TuningReport | None:
    """What the tuning of a run's gists came to; None where they were not tuned.

    Raises:
        RunError: the report is damaged.
    """
    path = run / GIST_TUNING / REPORT_FILE
    if not path.is_file():
        return None
    try:
        return TuningReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(f"{path} is damaged: delete {path.parent} and run again") from error
