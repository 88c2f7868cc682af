"""Train RecTools' SASRec on an exported split and measure it, after each epoch, as we measure ours.

python rectools_sasrec.py EXPORTED OUT.json [--minutes 10] [--epochs 12] [--loss softmax]
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

START = pd.Timestamp("2020-01-01")


def interactions(path: Path) -> pd.DataFrame:
    """The library's columns; only the order of the invented times matters."""
    rows = pd.read_parquet(path)
    return pd.DataFrame(
        {
            Columns.User: rows["user"],
            Columns.Item: rows["item"],
            Columns.Weight: 1.0,
            Columns.Datetime: START + pd.to_timedelta(rows["position"], unit="h"),
        }
    )


def candidate_scores(
    model: SASRecModel, histories: pd.DataFrame, users: list[str], candidates: np.ndarray
) -> np.ndarray:
    """Scores of each user's candidates; 0 where the library knows the item or the user not."""
    preparator = model.data_preparator
    asked = Dataset.construct(histories)
    known = preparator.transform_dataset_u2i(asked, users)
    loader = preparator.get_dataloader_recommend(known, 256)
    states, items = model.lightning_model._get_user_item_embeddings(loader, "cpu")
    rows = pd.Series(np.arange(known.user_id_map.size), index=known.user_id_map.external_ids)
    codes = pd.Series(known.item_id_map.internal_ids, index=known.item_id_map.external_ids)
    row = rows.reindex(users).to_numpy()
    code = codes.reindex(candidates.ravel()).to_numpy().reshape(candidates.shape)
    found = np.isfinite(row)[:, None] & np.isfinite(code)
    user_states = states[torch.from_numpy(np.nan_to_num(row).astype(int))]
    item_states = items[torch.from_numpy(np.nan_to_num(code).astype(int))]
    return np.where(found, torch.einsum("ud,ucd->uc", user_states, item_states).numpy(), 0.0)


def metrics(scores: np.ndarray) -> dict[str, float]:
    """Of the positive in column 0; a tie costs half a place."""
    positive, others = scores[:, :1], scores[:, 1:]
    rank = 1 + (others > positive).sum(axis=1) + 0.5 * (others == positive).sum(axis=1)
    hit = rank <= 5
    return {
        "AUC": float(1 - ((rank - 1) / others.shape[1]).mean()),
        "HR@5": float(hit.mean()),
        "MRR@5": float((hit / rank).mean()),
        "NDCG@5": float((hit / np.log2(1 + rank)).mean()),
    }


class Watch(Callback):
    """Measures after each epoch; its own time does not count as training."""

    def __init__(self, tell: Callable[[int, int, float], None]) -> None:
        self.tell = tell  # the library copies its callbacks, so results must live outside
        self.spent = 0.0

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.started = time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        self.spent += time.monotonic() - self.started
        self.tell(trainer.current_epoch + 1, trainer.global_step, self.spent)
        module.train()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exported", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--loss", default="softmax")
    parser.add_argument("--negatives", type=int, default=1)
    parser.add_argument("--length", type=int, default=20)
    options = parser.parse_args()
    seed_everything(0)
    histories = interactions(options.exported / "histories.parquet")
    asked = pd.read_parquet(options.exported / "candidates.parquet")
    users, candidates = asked["user"].tolist(), np.stack(asked["candidates"])
    rows: list[dict[str, float]] = []

    def tell(epoch: int, steps: int, seconds: float) -> None:
        measured = metrics(candidate_scores(model, histories, users, candidates))
        rows.append({"epoch": epoch, "steps": steps, "seconds": round(seconds, 1)} | measured)
        print(json.dumps(rows[-1]), flush=True)

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=options.epochs,
            max_time=timedelta(minutes=options.minutes),
            callbacks=[Watch(tell)],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
        )

    settings = {
        "n_blocks": 2,
        "n_heads": 2,
        "n_factors": 128,
        "session_max_len": options.length,
        "loss": options.loss,
        "n_negatives": options.negatives,
        "epochs": options.epochs,
        "batch_size": 128,
    }
    model = SASRecModel(**settings, get_trainer_func=trainer)
    model.fit(Dataset.construct(interactions(options.exported / "train.parquet")))
    best = max(rows, key=lambda row: row["NDCG@5"])
    report = {
        "system": "RecTools SASRec",
        "settings": settings,
        "threads": torch.get_num_threads(),
        "best_on_test": best,
        "epochs": rows,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
