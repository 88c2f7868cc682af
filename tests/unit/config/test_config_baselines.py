import pytest
from pydantic import ValidationError

from gistrec.config.baselines import BaselinesConfig


@pytest.mark.parametrize("name", ["sasrec", "gru4rec", "bert4rec"])
def test_a_sequence_baseline_keeps_its_architecture_when_other_settings_change(name: str) -> None:
    config = BaselinesConfig.model_validate({name: {"epochs": 3}})
    assert getattr(config, name).architecture == name
    assert getattr(config, name).epochs == 3


def test_a_sequence_baseline_cannot_be_another_model_under_its_name() -> None:
    with pytest.raises(ValidationError, match=r"bert4rec\.architecture must be bert4rec"):
        BaselinesConfig.model_validate({"bert4rec": {"architecture": "sasrec"}})
