"""How long and how much memory 10 million interactions take to check, write, open and split.

    python benchmarks/ingest.py [--interactions N --users N --items N] [--kind users]

Each step runs in a process of its own, so that its peak memory is its own. The result is printed,
and written beside the other results when the size is the default one.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from gistrec.config.split import SplitConfig
from gistrec.data.checks import check_dataset
from gistrec.data.dataset import Card, open_dataset, write_dataset
from gistrec.data.split import make_split
from gistrec.data.split_store import load_split, save_split

RESULT = Path(__file__).parent / "results" / "ingest.json"
BUDGET_SECONDS, BUDGET_MIB = 120.0, 6 * 1024.0
SIZES = {"interactions": 10_000_000, "users": 500_000, "items": 100_000}


def generate(folder: Path) -> None:
    """A log in calendar order, as logs are: users' rows lie scattered; a few items lead."""
    sizes = json.loads((folder / "sizes.json").read_text(encoding="utf-8"))
    interactions, users, items = (sizes[name] for name in SIZES)
    rng = np.random.default_rng(0)
    popular = np.minimum(rng.zipf(1.3, interactions) - 1, items - 1)
    anywhere = rng.integers(0, items, interactions)
    chosen = np.where(rng.random(interactions) < 0.5, popular, anywhere)
    who = rng.integers(0, users, interactions)
    when = np.sort(rng.integers(1_500_000_000, 1_700_000_000, interactions))
    log = pl.DataFrame({"user_id": who, "item_id": chosen, "timestamp": when})
    ids = [
        pl.format("u{}", "user_id").alias("user_id"),
        pl.format("i{}", "item_id").alias("item_id"),
    ]
    log.with_columns(ids).write_parquet(folder / "log.parquet")
    names = pl.DataFrame({"item_id": np.arange(items)})
    named = names.select(ids[1], pl.format("item number {}", "item_id").alias("title"))
    named.write_parquet(folder / "catalogue.parquet")


def write(folder: Path) -> None:
    items, log = (pl.read_parquet(folder / f"{name}.parquet") for name in ("catalogue", "log"))
    write_dataset(folder / "dataset", items, log, Card("generated"))


def check(folder: Path) -> None:
    fatal = [defect for defect in check_dataset(folder / "dataset") if defect.fatal]
    if fatal:
        raise SystemExit(f"the generated dataset is at fault: {fatal}")


def split(folder: Path, kind: str) -> None:
    dataset = open_dataset(folder / "dataset")
    config = SplitConfig.model_validate({"kind": kind, "cold_fraction": 0.1})
    save_split(make_split(dataset, config), folder / kind)


def load(folder: Path) -> None:
    load_split(folder / "users", open_dataset(folder / "dataset"))


STEPS: dict[str, Callable[[Path], object]] = {
    "generate": generate,
    "write": write,
    "check": check,
    "open": lambda folder: open_dataset(folder / "dataset").sequences(),
    "open and split by users": lambda folder: split(folder, "users"),
    "open and split by last items": lambda folder: split(folder, "last-out"),
    "open and split by time": lambda folder: split(folder, "time"),
    "open and load a split": load,
}


def run_step(name: str, folder: Path) -> None:
    """Do one step in this process, and print what it took."""
    start = time.perf_counter()
    STEPS[name](folder)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"step": name, "seconds": round(seconds, 2), "peak_mib": round(peak, 1)}))


def measured(name: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, __file__, "--step", name, "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    print(result, file=sys.stderr, flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, size in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        run_step(given.step, given.folder)
        return
    sizes = {name: getattr(given, name) for name in SIZES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sizes.json").write_text(json.dumps(sizes), encoding="utf-8")
        _, *steps = [measured(step, folder) for step in STEPS]
    # The budget is for one way in: written with its checks, opened, split once, the slowest way.
    splits = [float(str(step["seconds"])) for step in steps if "split by" in str(step["step"])]
    seconds = float(str(steps[0]["seconds"])) + max(splits)
    peak = max(float(str(step["peak_mib"])) for step in steps)
    result = {
        "question": "ingest and split 10 million interactions",
        "sizes": sizes,
        "steps": steps,
        "write_open_split_seconds": round(seconds, 2),
        "peak_mib": peak,
        "budget": {"seconds": BUDGET_SECONDS, "mib": BUDGET_MIB},
        "within_budget": seconds <= BUDGET_SECONDS and peak <= BUDGET_MIB,
        "conditions": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "polars": pl.__version__,
            "numpy": np.__version__,
        },
    }
    print(json.dumps(result, indent=2))
    if sizes == SIZES:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
