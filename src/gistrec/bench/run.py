"""A benchmark of one backbone, from its name to records and the file they are kept in."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from gistrec.bench.models import ModelOptions, bench_backbone
from gistrec.bench.record import About, Record
from gistrec.mllm.backbone import Backbone
from gistrec.progress import say

Grid = TypeVar("Grid")


def run_bench(
    measure: Callable[[Backbone, About, Grid], Iterator[Record]],
    name: str,
    options: ModelOptions,
    grid: Grid,
) -> list[Record]:
    """Make or load the backbone, say what it is, and measure.

    Raises:
        BackboneError: no such backbone or device.
        ConfigError: a prompt of the grid does not fit the backbone.
    """
    backbone = bench_backbone(name, options)
    about = About.of(name, backbone)
    say(
        f"{name}: {about.parameters:,} parameters, {about.dtype} on {about.device}, "
        f"attention {about.attention}"
    )
    return list(measure(backbone, about, grid))


def file_name(kind: str, name: str, records: Sequence[Record]) -> str:
    """Under which records are kept: what was measured, of which backbone, on which device."""
    device = records[0].conditions.device
    where = "cpu" if device.endswith(" threads") else device
    return f"{kind}-{_plain(name)}-{_plain(where)}.json"


def _plain(name: str) -> str:
    """``name`` in small letters, digits and dots, with dashes between."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
