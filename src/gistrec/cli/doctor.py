"""`gistrec doctor`: what this machine and a run can do, and what is off and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

_GIB = 1024**3
_TIGHT_GIB = 4  # what the built-in demo may need


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it stands, and what that means for the person."""

    state: Literal["ok", "off", "bad"]
    text: str


def doctor(
    run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Look into this run folder as well.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask this OpenAI-compatible server what it can do."),
    ] = None,
    server_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model to ask on the server.")
    ] = None,
    server_key: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="The environment variable with the server's key."),
    ] = None,
) -> None:
    """Say what this machine and a run can do, and what is off and why; exit 1 if a thing is bad."""
    found = _shown("machine", machine_findings())
    found += _shown("backbones", backbone_findings())
    if run is not None:
        found += _shown(f"run {run}", run_findings(run))
    if server is not None:
        found += _shown(f"server {server}", server_findings(server, server_model, server_key))
    if any(finding.state == "bad" for finding in found):
        raise typer.Exit(1)


def machine_findings() -> Iterator[Finding]:
    """Python, libraries, processors, memory."""
    import os

    import torch

    from gistrec.pipeline.manifest import installed_versions

    versions = ", ".join(f"{name} {version}" for name, version in installed_versions().items())
    yield Finding("ok", versions)
    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    yield Finding("ok", f"processor: {cores} cores, {threads} threads for torch")
    yield _accelerator()
    yield from _memory()
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        why = "HF_HUB_OFFLINE=1: only the embedded backbone and models on disk can be used"
        yield Finding("off", f"downloads of backbones: {why}")


def backbone_findings() -> Iterator[Finding]:
    """The families of backbones, how each one's processor is made here, and what else is there."""
    import importlib.util

    from gistrec.mllm.families.registry import FAMILIES
    from gistrec.mllm.processor import made_here

    for model_type in FAMILIES:
        made = made_here(model_type)
        why = "" if made == "AutoProcessor" else " (its own needs torchvision, for videos)"
        yield Finding("ok", f"family {model_type}: {made}{why}")
    for package, use in (("peft", "LoRA"), ("bitsandbytes", "8-bit and 4-bit weights, on CUDA")):
        there = importlib.util.find_spec(package) is not None
        yield Finding("ok" if there else "off", f"{use}: {package}{'' if there else ' is absent'}")


def run_findings(run: Path) -> Iterator[Finding]:
    """The configuration of a run, and how far each stage of it is.

    Raises:
        RunError: there is no such folder, it is one of seeds, or something in it is damaged.
        ConfigError: its configuration is damaged.
    """
    from gistrec import schema
    from gistrec.config.seeds import refuse_folder_of_seeds
    from gistrec.pipeline.fusion_note import unfitted
    from gistrec.pipeline.outdated import outdated_stages
    from gistrec.pipeline.states import missing_stages, stage_states

    refuse_folder_of_seeds(run)
    configured = (run / schema.CONFIG_FILE).is_file()
    outdated = outdated_stages(run) if configured else None
    states = stage_states(run, outdated)
    for name, without in (
        (schema.CONFIG_FILE, "it was not started by `gistrec run`"),
        (schema.LEADERBOARD_FILE, "it was not evaluated yet"),
    ):
        there = (run / name).is_file()
        if there and name == schema.LEADERBOARD_FILE:
            yield _leaderboard_of(run)
        else:
            told = name if there else f"{name} is absent: {without}"
            yield Finding("ok" if there else "off", told)
    if not states:
        yield Finding("off", "stages: none was begun")
    for state in states:
        cost = f", {state.seconds:.0f} s" if state.seconds is not None else ""
        note = f": {state.note}" if state.note else ""
        text = f"stage {state.name}: {state.state}, {state.size_mib:.1f} MiB{cost}{note}"
        yield Finding("ok" if state.state == "done" else "off", text)
    if why := unfitted(run):
        yield Finding("off", f"stage fusion: {why}; there the model's logit ranks alone")
    yield from _backbone_of(run)
    begun = {state.name for state in states}
    if configured:
        missing = [name for name in missing_stages(run) if name not in begun]
        yield from (Finding("off", f"stage {name}: not begun") for name in missing)
        yield from _variants_of(run)


def _leaderboard_of(run: Path) -> Finding:
    """Whether a run's table is of its settings."""
    from gistrec import schema
    from gistrec.evaluation.leaderboard import load_leaderboard
    from gistrec.pipeline.outdated import told_of_systems

    told = told_of_systems(run, load_leaderboard(run)).removeprefix("note: ")
    text = schema.LEADERBOARD_FILE
    return Finding("off", f"{text}: {told}") if told else Finding("ok", text)


def _variants_of(run: Path) -> Iterator[Finding]:
    """Whether what a run was compared with is of its settings too, and finished."""
    from gistrec.evaluation.ablations import ABLATIONS_FILE
    from gistrec.pipeline.compared import compared_now, earlier_variants, unfinished_variants

    if (run / ABLATIONS_FILE).is_file():
        again = "compares with the system as it was: give --ablate or --sweep again"
        now = compared_now(run)
        yield Finding("ok" if now else "off", ABLATIONS_FILE + ("" if now else f": {again}"))
    earlier = earlier_variants(run)
    for name, unfinished in unfinished_variants(run).items():
        note = "done"
        if unfinished:
            note = f"to be made: {', '.join(unfinished)}"
        elif name in earlier:
            note = "done, of an earlier full system: give --ablate or --sweep again"
        yield Finding("ok" if note == "done" else "off", f"variant {name}: {note}")


def _backbone_of(run: Path) -> Iterator[Finding]:
    """Whether the folder that a run's backbone was loaded from is still there."""
    from gistrec.files import read_json

    source = run / "backbone" / "source.json"
    model = read_json(source)["model"] if source.is_file() else ""
    if Path(model).is_absolute() and not Path(model).is_dir():
        yield Finding("bad", f"backbone {model} is gone: put it back, or nothing can be scored")


def server_findings(url: str, model: str | None, key: str | None) -> Iterator[Finding]:
    """Whether a server answers, with which models, whether it shows them images and scores.

    Args:
        url: of the server.
        model: which of its models is asked; None for the only one it has.
        key: the environment variable with its key, if it wants one.
    """
    from gistrec.cli.doctor_server import look_at

    for state, text in look_at(url, model, key):
        yield Finding(state, text)


def _shown(title: str, findings: Iterator[Finding]) -> list[Finding]:
    typer.echo(title)
    found = []
    for finding in findings:
        typer.echo(f"  {finding.state:4}{finding.text}")
        found.append(finding)
    return found


def _accelerator() -> Finding:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / _GIB
        name = f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB"
        return Finding("ok", f"accelerator: {torch.cuda.device_count()} x {name}")
    if torch.backends.mps.is_available():
        return Finding("ok", "accelerator: Apple GPU")
    built = "this torch is built without CUDA" if torch.version.cuda is None else "none was found"
    return Finding("off", f"accelerator: {built}; the embedded backbone does not need one")


def _memory() -> Iterator[Finding]:
    import shutil

    import psutil

    memory = psutil.virtual_memory()
    total, free = memory.total / _GIB, memory.available / _GIB
    text = f"memory: {free:.1f} of {total:.1f} GiB available"
    if free < _TIGHT_GIB:
        yield Finding("bad", f"{text}; `gistrec demo` may need {_TIGHT_GIB}")
    else:
        yield Finding("ok", text)
    yield Finding("ok", f"disk: {shutil.disk_usage(Path.cwd()).free / _GIB:.0f} GiB free here")
