"""How fast are pairs trained on, against a prompt for each pair on the same model?

    python benchmarks/training.py [BACKBONE...]

The standard grid of `gistrec bench training` for each backbone; without names, for those that a CPU
can run. Writes benchmarks/results/training-<backbone>-<device>.json.
"""

import argparse
from pathlib import Path

from gistrec.bench.models import ModelOptions
from gistrec.bench.record import as_json
from gistrec.bench.run import file_name, run_bench
from gistrec.bench.training import TrainingGrid, bench_training
from gistrec.files import write_json

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backbones", nargs="*", default=["embedded", "smolvlm-256m"])
    parser.add_argument("--limit-seconds", type=float, default=TrainingGrid.limit_seconds)
    asked = parser.parse_args()
    grid = TrainingGrid(limit_seconds=asked.limit_seconds)
    for name in asked.backbones:
        records = run_bench(bench_training, name, ModelOptions(), grid)
        write_json(RESULTS / file_name("training", name, records), as_json(records))


if __name__ == "__main__":
    main()
