"""What the comparator Molar is told: the items' vectors, out of the backbone tuned for them."""

import shutil
from pathlib import Path

from gistrec.baselines.molar.items import ItemContent
from gistrec.baselines.molar.model import load_vectors, save_vectors
from gistrec.baselines.molar.training import MolarContent
from gistrec.baselines.molar.tuning import tuned_items
from gistrec.data.split import Split
from gistrec.files import fingerprint_of, read_json, write_json
from gistrec.pipeline.backbone import open_backbone, open_features
from gistrec.pipeline.manifest import Facts
from gistrec.pipeline.workplace import Workplace
from gistrec.sequence.model import SequenceModel

_TOLD, _CHECKPOINT = "items.json", "items.checkpoint"


def molar_content(
    work: Workplace, split: Split, backbone: Path, folder: Path, id_model: SequenceModel | None
) -> tuple[MolarContent, Facts]:
    """The vectors of every item of the run's dataset, and what making them came to.

    Args:
        work: the run.
        split: its training log is tuned on.
        backbone: folder of its finished stage `backbone`.
        folder: where the vectors are kept, and the tuning until it has ended.
        id_model: whose states users are aligned with.
    """
    if not (folder / _TOLD).is_file():
        _make(work, split, backbone, folder)
    facts: Facts = read_json(folder / _TOLD)
    return MolarContent(load_vectors(folder).numpy(), id_model), facts


def _make(work: Workplace, split: Split, backbone: Path, folder: Path) -> None:
    config = work.config.baselines.molar
    content = ItemContent(work.nouns, work.titles, work.texts, open_features(work, backbone))
    found = tuned_items(
        open_backbone(backbone, work.config.backbone),
        content,
        split.train,
        config,
        folder / _CHECKPOINT,
        fingerprint_of([config.model_dump(mode="json"), split.fingerprint]),
    )
    save_vectors(found.vectors, folder)
    shutil.rmtree(folder / _CHECKPOINT, ignore_errors=True)
    facts = {
        "tuning": found.kind,
        "tuned_parameters": found.parameters,
        "tuning_seconds": found.trained.seconds,
        "images": content.features.count,
    }
    write_json(folder / _TOLD, facts)
