"""Stage `backbone`: the embedded backbone's warm start, or a real one looked up."""

import shutil
from pathlib import Path

from gistrec.config.backbone import BackboneConfig
from gistrec.data.incidence import incidence
from gistrec.data.split import Split
from gistrec.errors import RunError
from gistrec.files import fingerprint_of, read_json, write_json
from gistrec.mllm.adapters import is_adapter
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.loading import content_of, describe, load_backbone, located
from gistrec.mllm.prompts import PROMPT_VERSION
from gistrec.mllm.vision.cache import VisionCache, users_cache
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.mllm.vision.sight import Sight, noted_images
from gistrec.mllm.warm_start import warm_start
from gistrec.pipeline.lending import take_files
from gistrec.pipeline.manifest import Facts, stage_fingerprint
from gistrec.pipeline.stage import run_stage
from gistrec.pipeline.transfer import FROM_RUN, taken_input, taken_stage
from gistrec.pipeline.workplace import Workplace
from gistrec.progress import say

EMBEDDED = "embedded"
_MODEL, _IMAGES, _SOURCE = "model", "images.safetensors", "source.json"
_VISION = "vision"  # the cache of the embedded backbone, whose eyes are new in every run


def backbone_stage(work: Workplace, split: Split) -> Path:
    """Make or find the backbone, and run every image of the catalogue through its eyes."""
    config = work.config.backbone
    by_log = config.model == EMBEDDED and config.embedded.telling == "log"

    def build(folder: Path) -> Facts:
        facts: Facts = {}
        checkpoint = folder / "warm-start.checkpoint"
        if taken is not None:
            take_files(taken / _MODEL, folder / _MODEL)
            backbone, facts = load_backbone(folder / _MODEL, config), {FROM_RUN: str(taken.parent)}
        elif config.model == EMBEDDED:
            texts = list(zip(work.titles, work.texts, strict=True))
            chosen = incidence(split.train, work.dataset.n_items) if by_log else None
            backbone, trained = warm_start(texts, work.nouns, config.embedded, checkpoint, chosen)
            backbone.save(folder / _MODEL)
            facts = {"warm_start_seconds": trained.seconds}
        else:
            backbone = load_backbone(config.model, config)
        say(f"backbone: {describe(backbone)}")
        source = config.model if config.model == EMBEDDED else located(config.model)
        write_json(folder / _SOURCE, {"model": source, "content": content})
        sight = _see(work, folder, backbone)
        sight.save(folder / _IMAGES)
        shutil.rmtree(checkpoint, ignore_errors=True)
        parameters = sum(value.numel() for value in backbone.model.parameters())
        return {
            **facts,
            "parameters": parameters,
            "images": sight.images,
            "images_cached": round(sight.share, 4),
            "images_mib": round(sight.mib, 1),
        }

    taken = taken_stage(work.config, "backbone")
    content = "" if config.model == EMBEDDED else content_of(config.model, config.revision)
    inputs = {"dataset": work.dataset.fingerprint, "content": content}
    if config.model == EMBEDDED:
        inputs["prompts"] = PROMPT_VERSION  # what its warm start teaches
    inputs |= taken_input(work.config, "backbone")
    if by_log and taken is None:
        inputs["split"] = split.fingerprint
    return run_stage(work.run, "backbone", config.deciding(), inputs, build, code="3")


def open_backbone(folder: Path, config: BackboneConfig, adapter: Path | None = None) -> Backbone:
    """The backbone of a finished stage, loaded as ``config`` says, with ``adapter`` on it.

    Raises:
        RunError: what the stage was made with is another model now.
    """
    source = read_json(folder / _SOURCE)
    model = source["model"]
    if model == EMBEDDED:
        return load_backbone(folder / _MODEL, config, adapter)
    backbone = load_backbone(model, config, adapter)
    if content_of(model, config.revision) != source["content"]:
        raise RunError(
            f"the backbone {model!r} has changed since this run was made with it: put the earlier "
            "one back, or make the run again with the same `gistrec run`"
        )
    return backbone


def open_tuned(model: Path, backbone: Path, config: BackboneConfig) -> Backbone:
    """What a stage has tuned: a whole model, or an adapter for the backbone that it is of.

    Args:
        model: folder that ``Backbone.save`` wrote.
        backbone: folder of the finished stage `backbone`.
        config: how it is loaded.

    Raises:
        RunError: the backbone is another model now.
    """
    if is_adapter(model):
        return open_backbone(backbone, config, adapter=model)
    return load_backbone(model, config)


def model_identity(folder: Path, config: BackboneConfig) -> str:
    """What stands for all that decides a backbone's answers.

    Of a named model its content and how it is loaded, whatever the dataset; of the embedded one the
    stage that has made it.
    """
    source = read_json(folder / _SOURCE)
    if source["model"] == EMBEDDED:
        return stage_fingerprint(folder)
    adapter = config.adapter
    added = content_of(adapter) if adapter and Path(adapter).expanduser().is_dir() else adapter
    return fingerprint_of([source["content"], added, config.deciding().model_dump(mode="json")])


def image_digests(folder: Path) -> list[bytes]:
    """SHA-256 of each item's encoded image as a finished stage saw it; b"" without one."""
    return noted_images(folder / _IMAGES)[1]


def open_features(work: Workplace, folder: Path) -> ImageFeatures:
    """The image features of a finished stage; looked at again where the cache was cleared.

    Raises:
        RunError: they are gone, and the backbone sees otherwise now.
    """
    eyes, digests = noted_images(folder / _IMAGES)
    features = _cache(work, folder).open(eyes, digests)
    if features is None:
        say("image features are no longer in the cache")
        sight = _see(work, folder, open_backbone(folder, work.config.backbone))
        if (sight.eyes, sight.digests) != (eyes, digests):
            raise RunError(
                f"the backbone or the images have changed since {folder} was made, and the image "
                "features of then are gone: delete that folder and run again"
            )
        features = sight.features
    return features


def _see(work: Workplace, folder: Path, backbone: Backbone) -> Sight:
    dataset = work.dataset
    return _cache(work, folder).see(
        backbone,
        work.config.backbone.model,
        dataset.n_items,
        dataset.image_bytes,
        dataset.encoded_image,
    )


def _cache(work: Workplace, folder: Path) -> VisionCache:
    config = work.config.backbone
    if config.model == EMBEDDED:
        return VisionCache(folder / _VISION)
    chosen = config.vision_cache
    return VisionCache(users_cache() if chosen is None else chosen.expanduser())
