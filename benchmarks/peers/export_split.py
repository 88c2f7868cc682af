"""Write a split as plain Parquet, for libraries that know nothing of gistrec.

python benchmarks/peers/export_split.py DATASET OUT [--seed 0]

Writes train.parquet (user, item, position), histories.parquet (the same, of the test users) and
candidates.parquet (user, candidates: the positive first).
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from gistrec.config.split import SplitConfig
from gistrec.data.dataset import open_dataset
from gistrec.data.sequences import Sequences
from gistrec.data.split import make_split


def as_rows(sequences: Sequences, name: str) -> pl.DataFrame:
    """One row an interaction; ``name`` keeps training and test users apart."""
    rows = sequences.rows()
    position = np.arange(len(rows)) - sequences.offsets[:-1][rows]
    users = [f"{name}{row}" for row in rows]
    return pl.DataFrame({"user": users, "item": sequences.items, "position": position})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    split = make_split(open_dataset(options.dataset), SplitConfig(seed=options.seed))
    options.out.mkdir(parents=True, exist_ok=True)
    as_rows(split.train, "train").write_parquet(options.out / "train.parquet")
    as_rows(split.test.histories, "test").write_parquet(options.out / "histories.parquet")
    users = [f"test{row}" for row in range(len(split.test))]
    candidates = pl.Series("candidates", split.test.candidates.tolist(), pl.List(pl.Int32))
    table = pl.DataFrame({"user": users}).with_columns(candidates)
    table.write_parquet(options.out / "candidates.parquet")


if __name__ == "__main__":
    main()
