"""Stage `backbone`: the embedded backbone's warm start, or a real one looked up."""

from pathlib import Path

from gistrec.config.backbone import BackboneConfig
from gistrec.files import read_json, write_json
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.images import image_features
from gistrec.mllm.loading import describe, load_backbone
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.mllm.warm_start import warm_start
from gistrec.pipeline.manifest import Facts
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.progress import say

EMBEDDED = "embedded"
_MODEL, _FEATURES, _SOURCE = "model", "images.safetensors", "source.json"


def backbone_stage(work: Workplace) -> Path:
    """Make or find the backbone, and run every image of the catalogue through its eyes."""
    config = work.config.backbone

    def build(folder: Path) -> Facts:
        facts: Facts = {}
        if config.model == EMBEDDED:
            texts = list(zip(work.titles, work.texts, strict=True))
            checkpoint = folder / "warm-start.checkpoint"
            backbone, trained = warm_start(texts, work.nouns, config.embedded, checkpoint)
            backbone.save(folder / _MODEL)
            checkpoint.unlink(missing_ok=True)
            facts = {"warm_start_seconds": trained.seconds}
        else:
            backbone = load_backbone(config.model, config)
        say(f"backbone: {describe(backbone)}")
        write_json(folder / _SOURCE, {"model": config.model})
        features = image_features(backbone, work.dataset.n_items, work.dataset.image_bytes)
        features.save(folder / _FEATURES)
        parameters = sum(value.numel() for value in backbone.model.parameters())
        return {**facts, "parameters": parameters, "images": features.count}

    inputs = {"dataset": work.dataset.fingerprint}
    return run_stage(work.run, "backbone", config, inputs, build)


def open_backbone(folder: Path, config: BackboneConfig) -> Backbone:
    """The backbone of a finished stage, loaded as ``config`` says."""
    model = read_json(folder / _SOURCE)["model"]
    return load_backbone(folder / _MODEL if model == EMBEDDED else model, config)


def open_features(folder: Path) -> ImageFeatures:
    """The image features of a finished stage."""
    return ImageFeatures.load(folder / _FEATURES)
