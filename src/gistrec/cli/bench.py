"""`gistrec bench`: how fast the work on the language model is, as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

if TYPE_CHECKING:
    from gistrec.bench.record import Record

Name = TypeVar("Name", bound=str)

app = typer.Typer(
    name="bench",
    help="How fast the work on the language model is, as JSON.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Backbone = Annotated[
    str,
    typer.Option(
        help="embedded, smolvlm-256m, qwen2.5-vl-7b (random weights), a model's folder, or a hub id"
    ),
]
Images = Annotated[
    Literal["both", "with", "without"], typer.Option(help="Whether candidates show an image.")
]
CandidateTokens = Annotated[int, typer.Option(min=1, help="Tokens of a candidate's words.")]
Repeats = Annotated[int, typer.Option(min=1, help="Runs of each way, at most.")]
Limit = Annotated[
    float,
    typer.Option(
        "--limit-seconds",
        min=0,
        help="For all runs of a way in one setting; beyond it a sample of pairs is run.",
    ),
]
Dtype = Annotated[
    Literal["auto", "float32", "bfloat16", "float16"], typer.Option(help="Of the weights.")
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where it runs.")]
Attention = Annotated[
    Literal["auto", "sdpa", "eager", "flex"], typer.Option(help="The kernel of gistrec's own way.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the JSON there as well.")
]
AnswerTokens = Annotated[
    int, typer.Option(min=1, max=30, help="That the published way generates for a candidate.")
]
Prefixes = Annotated[str, typer.Option("--prefix", help="Tokens that candidates share; a list.")]


@app.command()
def scoring(
    backbone: Backbone = "embedded",
    candidates: Annotated[str, typer.Option(help="How many of a user; a list.")] = "21,100",
    prefix: Prefixes = "128,512,2048",
    images: Images = "both",
    against: Annotated[
        str, typer.Option(help="Other ways; a list.")
    ] = "one-batch,one-by-one,published,plain-forward",
    candidate_tokens: CandidateTokens = 18,
    chunk_tokens: Annotated[
        str | None,
        typer.Option(
            help="Where ours runs the prefix first and candidates in chunks of so many tokens; "
            "a list. By default as it is scored elsewhere."
        ),
    ] = None,
    users: Annotated[str, typer.Option(help="Whose candidates ours takes at once; a list.")] = "1",
    answer_tokens: AnswerTokens = 2,
    repeats: Repeats = 5,
    limit_seconds: Limit = 6.0,
    dtype: Dtype = "auto",
    device: Device = "auto",
    attention: Attention = "auto",
    out: Out = None,
) -> None:
    """Time scoring a user's candidates against other ways to score them on the same model."""
    from gistrec.bench.models import ModelOptions
    from gistrec.bench.run import run_bench
    from gistrec.bench.scoring import ScoringGrid, bench_scoring
    from gistrec.bench.ways import OTHERS

    chunks = () if chunk_tokens is None else _counts(chunk_tokens, "--chunk-tokens")
    grid = ScoringGrid(
        candidates=_counts(candidates, "--candidates"),
        prefixes=_counts(prefix, "--prefix"),
        images=_IMAGES[images],
        against=_named(against, OTHERS),
        candidate_tokens=candidate_tokens,
        chunk_tokens=chunks,
        users=_counts(users, "--users"),
        repeats=repeats,
        limit_seconds=limit_seconds,
        answer_tokens=answer_tokens,
    )
    options = ModelOptions(dtype, device, attention)
    _give(run_bench(bench_scoring, backbone, options, grid), out)


@app.command()
def training(
    backbone: Backbone = "embedded",
    negatives: Annotated[int, typer.Option(min=1, help="Beside the positive.")] = 8,
    prefix: Prefixes = "128,512",
    images: Images = "both",
    against: Annotated[str, typer.Option(help="Other ways; a list.")] = "one-batch,published",
    candidate_tokens: CandidateTokens = 18,
    repeats: Repeats = 5,
    limit_seconds: Limit = 6.0,
    dtype: Dtype = "auto",
    device: Device = "auto",
    attention: Attention = "auto",
    out: Out = None,
) -> None:
    """Time training on a user's candidates against a prompt for each of them."""
    from gistrec.bench.models import ModelOptions
    from gistrec.bench.run import run_bench
    from gistrec.bench.training import TRAINING_OTHERS, TrainingGrid, bench_training

    grid = TrainingGrid(
        prefixes=_counts(prefix, "--prefix"),
        images=_IMAGES[images],
        against=_named(against, TRAINING_OTHERS),
        negatives=negatives,
        candidate_tokens=candidate_tokens,
        repeats=repeats,
        limit_seconds=limit_seconds,
    )
    options = ModelOptions(dtype, device, attention)
    _give(run_bench(bench_training, backbone, options, grid), out)


@app.command()
def taste(
    backbone: Backbone = "embedded",
    history: Annotated[str, typer.Option(help="Items of a user; a list.")] = "6,12,24,48",
    images: Images = "with",
    users: Annotated[int, typer.Option(min=1, help="Whom ours takes at once.")] = 64,
    block: Annotated[int, typer.Option(min=1, help="Items told in one question.")] = 3,
    candidates: Annotated[int, typer.Option(min=1, help="Of a user.")] = 21,
    item_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an item's line.")] = 24,
    taste_tokens: Annotated[str, typer.Option(help="Tokens of every taste; a list.")] = "24",
    candidate_tokens: CandidateTokens = 18,
    answer_tokens: AnswerTokens = 2,
    repeats: Repeats = 5,
    limit_seconds: Annotated[
        float,
        typer.Option(min=0, help="For all runs of a part in one setting; each is run once."),
    ] = 6.0,
    dtype: Dtype = "auto",
    device: Device = "auto",
    attention: Attention = "auto",
    out: Out = None,
) -> None:
    """Time recommending by taste against the published way, and against MMSRARec's without one."""
    from gistrec.bench.models import ModelOptions
    from gistrec.bench.run import run_bench
    from gistrec.bench.taste import TasteGrid, bench_taste

    grid = TasteGrid(
        history=_counts(history, "--history"),
        taste_tokens=_counts(taste_tokens, "--taste-tokens"),
        images=_IMAGES[images],
        users=users,
        block=block,
        candidates=candidates,
        item_tokens=item_tokens,
        candidate_tokens=candidate_tokens,
        answer_tokens=answer_tokens,
        repeats=repeats,
        limit_seconds=limit_seconds,
    )
    options = ModelOptions(dtype, device, attention)
    _give(run_bench(bench_taste, backbone, options, grid), out)


_IMAGES = {"both": (False, True), "with": (True,), "without": (False,)}


def _counts(text: str, option: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise typer.BadParameter(
            f"{text!r} is no list of whole numbers above 0, such as 128,512", param_hint=option
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def _named(text: str, known: Sequence[Name]) -> tuple[Name, ...]:
    asked = [part.strip() for part in text.split(",")]
    unknown = [part for part in asked if part not in known]
    if unknown:
        raise typer.BadParameter(
            f"{unknown[0]!r} is no way that is measured: there are {', '.join(known)}",
            param_hint="--against",
        )
    return tuple(way for way in known if way in asked)


def _give(records: "Sequence[Record]", out: Path | None) -> None:
    from gistrec.bench.record import as_json
    from gistrec.files import write_json

    found = as_json(records)
    typer.echo(json.dumps(found, indent=2))
    if out is not None:
        write_json(out, found)
