"""What does a recommendation by taste cost, against the published way and against MMSRARec's?

    python benchmarks/taste.py [BACKBONE]

The standard grid of `gistrec bench taste`, and after 12 items tastes as long as a paragraph, which
is what MLLM-MSR's are; by default for the embedded backbone, which takes three minutes on one busy
core. Writes benchmarks/results/taste.json.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from gistrec.bench.models import ModelOptions
from gistrec.bench.record import as_json
from gistrec.bench.run import run_bench
from gistrec.bench.taste import TasteGrid, bench_taste
from gistrec.files import write_json

RESULTS = Path(__file__).parent / "results"
PARAGRAPH = 192  # tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backbone", nargs="?", default="embedded")
    parser.add_argument("--limit-seconds", type=float, default=TasteGrid.limit_seconds)
    asked = parser.parse_args()
    grid = TasteGrid(limit_seconds=asked.limit_seconds)
    paragraphs = replace(grid, history=(12,), taste_tokens=(PARAGRAPH,))
    records = [
        record
        for one in (grid, paragraphs)
        for record in run_bench(bench_taste, asked.backbone, ModelOptions(), one)
    ]
    write_json(RESULTS / "taste.json", as_json(records))


if __name__ == "__main__":
    main()
