from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest

from gistrec.baselines.molar.training import MolarContent
from gistrec.baselines.registry import fit_baseline
from gistrec.config.baselines import BaselineName, BaselinesConfig
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.config.molar import MolarConfig
from gistrec.config.sequence import SequenceConfig
from gistrec.data.sequences import Sequences
from gistrec.errors import RunError


def log() -> Sequences:
    items = np.arange(40, dtype=np.int32) % 7
    offsets = np.arange(0, 41, 4, dtype=np.int64)
    users = pl.Series([str(user) for user in range(10)])
    return Sequences(users, offsets, items, np.zeros(40, dtype=np.int64))


@pytest.mark.parametrize("name", get_args(BaselineName))
def test_a_baseline_is_called_as_it_was_asked_for(name: BaselineName) -> None:
    tiny = SequenceConfig(width=4, layers=1, epochs=1)
    config = BaselinesConfig(
        sasrec=tiny,
        gru4rec=tiny.model_copy(update={"architecture": "gru4rec"}),
        bert4rec=tiny.model_copy(update={"architecture": "bert4rec"}),
        hm4sr=Hm4srConfig(width=4, layers=1, epochs=1),
        molar=MolarConfig(width=4, layers=1, epochs=1),
    )
    molar = MolarContent(np.eye(7, dtype=np.float32))
    assert fit_baseline(name, config, log(), None, 7, molar=molar).name == name


def test_molar_is_not_made_of_nothing() -> None:
    with pytest.raises(ValueError, match="items' vectors"):
        fit_baseline("molar", BaselinesConfig(), log(), None, 7)


def test_each_sequence_model_has_its_own_architecture() -> None:
    config = BaselinesConfig()
    assert config.sasrec.architecture == "sasrec"
    assert config.gru4rec.architecture == "gru4rec"
    assert config.bert4rec.architecture == "bert4rec"


def test_a_folder_keeps_the_checkpoint(tmp_path: Path) -> None:
    config = BaselinesConfig(sasrec=SequenceConfig(width=4, layers=1, epochs=1))
    fit_baseline("sasrec", config, log(), None, 7, tmp_path)
    assert (tmp_path / "sasrec.checkpoint").exists()
    longer = BaselinesConfig(sasrec=SequenceConfig(width=4, layers=1, epochs=2))
    with pytest.raises(RunError, match="another configuration"):
        fit_baseline("sasrec", longer, log(), None, 7, tmp_path)
