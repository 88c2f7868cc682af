"""How fast are a user's candidates scored, against other ways on the same model?

    python benchmarks/scoring.py [BACKBONE...]

The standard grid of `gistrec bench scoring` for each backbone; without names, for those that a CPU
can run. Writes benchmarks/results/scoring-<backbone>-<device>.json.
"""

import argparse
from pathlib import Path

from gistrec.bench.models import ModelOptions
from gistrec.bench.record import as_json
from gistrec.bench.run import file_name, run_bench
from gistrec.bench.scoring import ScoringGrid, bench_scoring
from gistrec.files import write_json

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backbones", nargs="*", default=["embedded", "smolvlm-256m"])
    parser.add_argument("--limit-seconds", type=float, default=ScoringGrid.limit_seconds)
    asked = parser.parse_args()
    grid = ScoringGrid(limit_seconds=asked.limit_seconds)
    for name in asked.backbones:
        records = run_bench(bench_scoring, name, ModelOptions(), grid)
        write_json(RESULTS / file_name("scoring", name, records), as_json(records))


if __name__ == "__main__":
    main()
