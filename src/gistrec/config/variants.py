"""What of a system can be left out or varied, each as settings laid over its own."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from gistrec.config.base import StageConfig
from gistrec.config.documents import parse_yaml
from gistrec.config.system import SystemConfig
from gistrec.errors import ConfigError

ABLATION = "ablation"  # the group of all that leave something out
FULL = "full"  # the system as it is configured
# What a variant is run without: only its pure system is compared, its encoder is taken over.
LEAN = ("evidence.kinds=[]", "fusion.on=false", "baselines.names=[]")
_NOT_COMPARED = ("evidence", "fusion", "baselines.names")  # what is of no account in a variant
_SHORT = {
    "history": "recommender.history",
    "neighbours": "collab.neighbours",
    "block": "taste.block",
    "summary": "gist.summary_words",
}


@dataclass(frozen=True)
class Variant:
    """A system with something changed.

    Attributes:
        name: of its folder and its row.
        group: ``ablation``, or the key that a sweep varies.
        value: what a sweep gives the key, as JSON; empty in an ablation.
        overrides: ``stage.key=value`` each.
    """

    name: str
    group: str
    value: str
    overrides: tuple[str, ...]


def _without(name: str, *overrides: str) -> Variant:
    return Variant(name, ABLATION, "", overrides)


_WITHOUT_FINE_TUNING = _without("without-fine-tuning", "recommender.epochs=0")

# The rows of MMSRARec's ablation (arXiv 2512.20916, Table 6), in its order.
MMSRAREC = (
    _without("without-summarisation", "recommender.told_by=title"),
    _without("without-rlvr", "gist.tuning.kind=none"),
    _without("without-similar-users", "collab.neighbours=0"),
    _without("gru4rec-retrieval", "collab.encoder=gru4rec"),
    _WITHOUT_FINE_TUNING,
    _without(
        "without-multi-task",
        "recommender.tasks.choice=0",
        "recommender.tasks.next_gist=0",
        "recommender.tasks.alignment=0",
        "recommender.gist_weight=0",
    ),
)

_DIRECT = _without("direct", "taste.kind=direct")
_NO_TASTE = ("taste.kind=none", "recommender.history=5")
# MLLM-MSR's (arXiv 2408.09698): its own, and the rivals that differ from it in the prompt alone.
MLLM_MSR = (
    _DIRECT,
    _without("without-image-summary", "gist.image_words=0", "gist.image_keywords=0"),
    # The latest items in place of the taste: MGRASRec's "LLaVA w/ SFT".
    _without("recent-history", *_NO_TASTE),
    # TALLRec's prompt: titles alone.
    _without("text-only", *_NO_TASTE, "recommender.told_by=title", "recommender.candidate=[title]"),
    _WITHOUT_FINE_TUNING,
)
_KNOWN = {variant.name: variant for variant in (*MMSRAREC, *MLLM_MSR)}


def ablations_of(config: SystemConfig) -> tuple[Variant, ...]:
    """All ablations of a system: MLLM-MSR's where it tells a taste, else MMSRARec's."""
    return MMSRAREC if config.taste.kind == "none" else MLLM_MSR


def parse_ablations(text: str, config: SystemConfig) -> list[Variant]:
    """``all`` of the system's, or names of ablations with commas between them.

    Raises:
        ConfigError: a name is unknown, or stands for a part that the system has not.
    """
    if text.strip() == "all":
        return list(ablations_of(config))
    named = list(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in named:
        if name not in _KNOWN:
            near = get_close_matches(name, _KNOWN, n=1, cutoff=0.4)
            meant = f"; did you mean {near[0]}?" if near else "."
            raise ConfigError(f"--ablate {name}: unknown{meant} Known: all, {', '.join(_KNOWN)}")
    if _DIRECT.name in named and config.taste.kind == "none":
        raise ConfigError(
            f"--ablate {_DIRECT.name}: it tells a taste from the whole history at once, and "
            f"{config.name} tells none at all (taste.kind=none)"
        )
    return [_KNOWN[name] for name in named]


def parse_sweep(text: str) -> list[Variant]:
    """``key=a,b,c``: a variant for each value; a few keys may be short: ``history``.

    Raises:
        ConfigError: there is no "=" or no value, the values are not YAML, or the key changes
            nothing of the system that variants compare.
    """
    short, equals, listed = text.partition("=")
    key = _SHORT.get(short.strip(), short.strip())
    try:
        values = parse_yaml(f"[{listed}]") if equals and key else []
    except yaml.YAMLError:
        values = []
    if not isinstance(values, list) or not values:
        raise ConfigError(f"--sweep {text}: write it as key=a,b,c, for example history=1,3,5")
    if any(f"{key}.".startswith(f"{part}.") for part in _NOT_COMPARED):
        raise ConfigError(
            f"--sweep {text}: variants compare the system without evidence and fusion, which "
            f"{key} does not change; make a run for each value, with --set {key}=..."
        )
    return _swept(key, values, text)


def written_value(config: StageConfig, key: str) -> str:
    """What ``config`` has under ``stage.key``, as JSON; null where it has no such section."""
    value: Any = config.model_dump(mode="json")
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else None
    return _written(value)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _swept(key: str, values: Sequence[Any], text: str) -> list[Variant]:
    variants: dict[str, Variant] = {}
    for value in values:
        written = _written(value)
        name = f"{key}-{re.sub(r'[^A-Za-z0-9.+-]+', '-', written).strip('-')}"
        if name in variants and variants[name].value != written:
            raise ConfigError(
                f"--sweep {text}: two values would be called {name}; sweep them apart"
            )
        variants[name] = Variant(name, key, written, (f"{key}={written}",))
    return list(variants.values())
