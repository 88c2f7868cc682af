import os
from pathlib import Path

import pytest

from gistrec.config.backbone import BackboneConfig
from gistrec.errors import RunError
from gistrec.files import write_json
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.loading import content_of
from gistrec.pipeline.backbone import open_backbone


def test_another_model_behind_the_same_folder_is_refused(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    model, stage = tmp_path / "model", tmp_path / "run" / "backbone"
    tiny_backbone.save(model)
    stage.mkdir(parents=True)
    source = {"model": str(model), "content": content_of(str(model))}
    write_json(stage / "source.json", source)
    assert open_backbone(stage, BackboneConfig()).end_ids == tiny_backbone.end_ids
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes())  # loads as before, but may be another model's
    os.utime(weights, ns=(1, 1))
    with pytest.raises(RunError, match="has changed since this run was made with it"):
        open_backbone(stage, BackboneConfig())
