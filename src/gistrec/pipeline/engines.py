"""Who answers in words: the run's backbone, the same tuned, or a server."""

from pathlib import Path

from gistrec.config.engine import EngineConfig
from gistrec.files import fingerprint_of
from gistrec.mllm.adapters import is_adapter
from gistrec.mllm.engines.answering import Answering
from gistrec.mllm.engines.engine import Engine, Sampling
from gistrec.mllm.engines.local import LocalEngine
from gistrec.mllm.engines.server import open_server_engine
from gistrec.pipeline.backbone import model_identity, open_backbone, open_features, open_tuned
from gistrec.pipeline.gist.tuning import GIST_TUNING
from gistrec.pipeline.manifest import read_manifest, stage_fingerprint
from gistrec.pipeline.workplace import Workplace

_MODEL = "model"


def open_engine(
    work: Workplace,
    config: EngineConfig,
    batch_size: int,
    backbone: Path,
    tuned: Path | None = None,
    sampling: Sampling | None = None,
) -> Engine:
    """Open what answers.

    Args:
        work: the run.
        config: who it is.
        batch_size: questions answered at once, by the local engine.
        backbone: folder of the finished stage `backbone`.
        tuned: folder of a finished stage whose model answers in its place.
        sampling: how answers are drawn; None for the likeliest.

    Raises:
        EngineError: the variable that is to hold a server's key is not set.
    """
    if config.kind == "server":
        return open_server_engine(config, work.dataset.image_bytes, sampling)
    if tuned is None:
        opened = open_backbone(backbone, work.config.backbone)
    else:
        opened = open_tuned(tuned / _MODEL, backbone, work.config.backbone)
    return LocalEngine(opened, open_features(work, backbone), batch_size, sampling)


def answering(
    work: Workplace, engine: EngineConfig, backbone: Path, tuned: Path | None = None
) -> Answering:
    """Who answers, for tables and for keys of answers; arguments as those of ``open_engine``."""
    config = work.config.backbone
    if engine.kind == "server":
        model = str(engine.model)
        return Answering(model, None, fingerprint_of(["server", model]))
    identity = model_identity(backbone, config)
    if tuned is None:
        return Answering(config.model, config.adapter, identity)
    identity = fingerprint_of([identity, stage_fingerprint(tuned)])
    if read_manifest(tuned).facts.get("best_step") == 0:
        untuned = f"{config.model} (untuned: no step of {GIST_TUNING} was better)"
        return Answering(untuned, config.adapter, identity)
    if is_adapter(tuned / _MODEL):
        return Answering(config.model, GIST_TUNING, identity)
    return Answering(f"{config.model}, {GIST_TUNING}", None, identity)
