"""An evaluation that is cut off between two protocols goes on with what it knew."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gistrec.config.load import load_config
from gistrec.config.system import SystemConfig
from gistrec.data.dataset import Card, write_dataset
from gistrec.data.ranker import Scores
from gistrec.data.sequences import IntArray, Sequences
from gistrec.data.split import make_split
from gistrec.pipeline.evaluation import evaluate_system
from gistrec.pipeline.stage import partial_folder
from gistrec.pipeline.workplace import Workplace

N_ITEMS = 16


class InterruptedHereError(Exception):
    """What cuts the first attempt off."""


class ByCode:
    """Ranks by item code; the whole catalogue only if it is not cut off."""

    name = "toy"

    def __init__(self, asked: list[str], *, cut_off: bool) -> None:
        self.asked, self.cut_off = asked, cut_off

    def score(self, histories: Sequences, candidates: IntArray | None) -> Scores:
        self.asked.append("full" if candidates is None else "sampled")
        if candidates is not None:
            return candidates.astype(np.float32)
        if self.cut_off:
            raise InterruptedHereError
        return np.tile(np.arange(N_ITEMS, dtype=np.float32), (len(histories), 1))


def test_what_was_kept_is_there_when_the_ranker_is_opened_again(tmp_path: Path) -> None:
    items = [f"i{code:02}" for code in range(N_ITEMS)]
    rows = [(f"u{user}", items[(user + k) % N_ITEMS], k) for user in range(12) for k in range(4)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    catalogue = pl.DataFrame({"item_id": items, "title": items})
    dataset = write_dataset(tmp_path / "dataset", catalogue, log, Card("small"))
    asked = ["evaluation.protocols=[sampled, full]", "split.negatives=3"]
    config = load_config(SystemConfig, "popularity", None, asked)
    work = Workplace(tmp_path / "run", config, dataset)
    split = make_split(dataset, config.split)
    note = partial_folder(work.run, "evaluation-toy") / "note.txt"
    opened: list[bool] = []
    questions: list[str] = []

    def measured(*, cut_off: bool) -> int:
        def open_ranker() -> ByCode:
            opened.append(note.exists())
            return ByCode(questions, cut_off=cut_off)

        def keep(_: ByCode, folder: Path) -> None:
            (folder / "note.txt").write_text("known", encoding="utf-8")

        return len(evaluate_system(work, split, "toy", open_ranker, (), (), keep=keep))

    with pytest.raises(InterruptedHereError):
        measured(cut_off=True)
    assert measured(cut_off=False) == len(config.evaluation.protocols)
    assert opened == [False, True]
    assert questions == ["sampled", "full", "full"]
    assert (work.run / "evaluation-toy" / "note.txt").exists()
