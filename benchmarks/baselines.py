"""How good are the baselines on a dataset, and what do they cost?

python benchmarks/baselines.py [DATASET OUT.json] [--names sasrec ease] [--small] [--seed 0]

Without DATASET: the default bazaar with the settings of the small profile.

One line a baseline: quality on the test users' sampled candidates, seconds, epochs. Rows of
baselines named in an existing OUT.json are replaced, the others are kept.
"""

import argparse
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np
import torch

from gistrec.baselines.registry import Baseline, fit_baseline
from gistrec.config.baselines import BaselineName, BaselinesConfig
from gistrec.config.bazaar import BazaarConfig
from gistrec.config.load import load_config
from gistrec.config.split import SplitConfig
from gistrec.config.system import SystemConfig
from gistrec.data.bazaar.make import write_bazaar
from gistrec.data.dataset import open_dataset
from gistrec.data.queries import Queries
from gistrec.data.ranker import Scores
from gistrec.data.split import make_split
from gistrec.files import read_json, write_json
from gistrec.sequence.model import SequenceModel

RESULT = Path(__file__).parent / "results" / "baselines-bazaar.json"


def metrics(scores: Scores) -> dict[str, float]:
    """Of the positive in column 0; a tie costs half a place."""
    positive, others = scores[:, :1], scores[:, 1:]
    rank = 1 + (others > positive).sum(axis=1) + 0.5 * (others == positive).sum(axis=1)
    hit = rank <= 5
    values = {
        "HR@5": hit.mean(),
        "NDCG@5": (hit / np.log2(1 + rank)).mean(),
        "AUC": 1 - ((rank - 1) / others.shape[1]).mean(),
        "MRR@5": (hit / rank).mean(),
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def row(name: BaselineName, ranker: Baseline, test: Queries, seconds: float) -> dict[str, object]:
    """What the table shows of one baseline."""
    started = time.monotonic()
    scores = ranker.score(test.histories, test.candidates)
    scoring = time.monotonic() - started
    measured: dict[str, object] = {"baseline": name, **metrics(scores)}
    measured |= {"fit_seconds": round(seconds, 1), "score_seconds": round(scoring, 2)}
    if isinstance(ranker, SequenceModel):
        measured |= {
            "epochs": ranker.report.epochs,
            "best_epoch": ranker.report.best_epoch,
            "valid_NDCG@10": round(ranker.report.best_ndcg or 0.0, 4),
            "config": ranker.config.model_dump(),
        }
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?", default=RESULT)
    parser.add_argument("--names", nargs="+", default=list(BaselinesConfig().names))
    parser.add_argument("--small", action="store_true", help="the settings of the small profile")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    options = parser.parse_args()
    if options.dataset is None:
        with tempfile.TemporaryDirectory() as folder:
            write_bazaar(Path(folder), BazaarConfig())
            options.dataset, options.small = Path(folder), True
            measure(options)
    else:
        measure(options)


def measure(options: argparse.Namespace) -> None:
    file = Path(str(resources.files("gistrec.config") / "profiles" / "small.yaml"))
    system = load_config(SystemConfig, "mmsrarec", file if options.small else None)
    config = system.baselines
    dataset = open_dataset(options.dataset)
    split = make_split(dataset, SplitConfig(seed=options.seed))
    old = read_json(options.out)["rows"] if options.out.exists() else []
    rows = [kept for kept in old if kept["baseline"] not in options.names]
    for name in options.names:
        started = time.monotonic()
        ranker = fit_baseline(name, config, split.train, split.valid, dataset.n_items)
        rows.append(row(name, ranker, split.test, time.monotonic() - started))
        print(rows[-1], flush=True)
        report = {
            "question": "how good are the baselines, and what do they cost?",
            "dataset": dataset.card.name,
            "users": dataset.n_users,
            "items": dataset.n_items,
            "split": {"kind": "users", "seed": options.seed, "test_users": len(split.test)},
            "protocol": "last item against 20 uniform negatives, ties at half a place",
            "threads": torch.get_num_threads(),
            "rows": rows,
        }
        write_json(options.out, report)


if __name__ == "__main__":
    main()
