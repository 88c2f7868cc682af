"""What is refused at the start of a run, that its stages would refuse after hours."""

from collections.abc import Iterator

from gistrec.config.backbone import BackboneConfig
from gistrec.config.system import SystemConfig
from gistrec.config.text import SentenceEncoderKind
from gistrec.errors import BackboneError, ConfigError
from gistrec.mllm.folders import no_adapter, no_model
from gistrec.pipeline.backbone import EMBEDDED
from gistrec.pipeline.gist.tuning import refuse_untunable
from gistrec.pipeline.transfer import refuse_unfit_source
from gistrec.pipeline.workplace import Workplace
from gistrec.text.encoder import resolved_kind


def refuse_at_once(work: Workplace) -> None:
    """Refuse what could not be run to its end, before any stage.

    Raises:
        BackboneError: the backbone or its adapter is to be in a folder, and is not.
        ConfigError: a sentence encoder is not installed, gists cannot be tuned, or what is taken
            over from another run does not fit.
        RunError: the other run is none, or unfinished.
    """
    config = work.config
    if config.recommends or any(map(config.baselines.sees, config.baselines.names)):
        _refuse_absent(config.backbone)
    for key, kind in _sentence_encoders(config):
        try:
            resolved_kind(kind)
        except ConfigError as error:
            raise ConfigError(f"{key}={kind}: {error}") from error
    refuse_untunable(work)
    refuse_unfit_source(work)


def _refuse_absent(backbone: BackboneConfig) -> None:
    reason = "" if backbone.model == EMBEDDED else no_model(backbone.model)
    if reason:
        raise BackboneError(
            f"backbone.model={backbone.model}: {reason}. Name a folder made by save_pretrained, "
            "a hub id (with network), or `embedded`."
        )
    adapter = backbone.adapter
    if adapter is not None and (reason := no_adapter(adapter)):
        raise BackboneError(f"backbone.adapter={adapter}: {reason}")


def _sentence_encoders(config: SystemConfig) -> Iterator[tuple[str, SentenceEncoderKind]]:
    """Those that the run's stages open, by the key that names each."""
    if "hm4sr" in config.baselines.names:
        yield "baselines.hm4sr.text", config.baselines.hm4sr.text
    if not config.recommends:
        return
    yield "gist.encoder", config.gist.encoder
    if config.gist.tuning.kind != "none":
        yield "gist.tuning.rewards.encoder", config.gist.tuning.rewards.encoder
    if config.evidence.kinds:
        yield "evidence.sentences", config.evidence.sentences
