"""From a dataset to a leaderboard and recommendations, in Python.

python examples/quickstart.py                      # as large as `gistrec demo`: minutes
python examples/quickstart.py --users 300 --items 400 --config my-sizes.yaml
"""

import argparse
from pathlib import Path

import polars as pl

from gistrec.config.bazaar import BazaarConfig
from gistrec.data.bazaar.make import write_bazaar
from gistrec.pipeline.recommend import Recommendations
from gistrec.pipeline.run import run_system


def main(folder: Path, users: int, items: int, config: Path | None) -> None:
    # A dataset of your own: `gistrec data import`, or gistrec.data.dataset.write_dataset.
    dataset = write_bazaar(folder / "bazaar", BazaarConfig(users=users, items=items))

    # Every stage, from the split to the leaderboard; what stands already is not done again.
    run = run_system("mmsrarec", dataset.folder, folder / "run", config_file=config)
    everyone = run.leaderboard().filter(pl.col("stratum").is_null(), protocol="full")
    print(everyone.select("system", "n_users", "HR@5", "HR@5 low", "HR@5 high"))

    # Ask the finished run.
    recommendations = Recommendations.open(run.folder)
    answer = recommendations.recommend(recommendations.some_user(), k=5)
    print(f"user {answer.user_id}, latest: {', '.join(answer.history)}")
    for item in answer.items:
        print(f"{item.probability:.3f}  {item.item_id}  {item.title}: {item.reason()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/quickstart"))
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--items", type=int, default=1200)
    parser.add_argument("--config", type=Path, help="YAML laid over the preset")
    asked = parser.parse_args()
    main(asked.folder, asked.users, asked.items, asked.config)
