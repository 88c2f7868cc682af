import pytest
import torch

from gistrec.bench.flops import row_flops, share_of_peak
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row, Tokens


def test_flops_count_weights_and_visible_pairs(tiny_backbone: Backbone) -> None:
    row = Row(Tokens((1,) * 4), (Tokens((1,) * 2), Tokens((1,) * 3)))
    width, inner, layers = 32, 32 * 5 // 2, 2
    layer = 4 * width * width + 3 * width * inner + 2 * width  # attention, MLP, two norms
    weights = layers * layer + width
    pairs = (4 * 5 / 2) + (2 * 4 + 2 * 3 / 2) + (3 * 4 + 3 * 4 / 2)
    expected = 2 * weights * 9 + 4 * layers * width * pairs
    assert row_flops(tiny_backbone, row) == pytest.approx(expected)


def test_a_cpu_has_no_peak() -> None:
    assert share_of_peak(1e12, 1.0, torch.device("cpu")) is None


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA H20", 148e12),
        ("a card of next year", None),
    ],
)
def test_a_cards_peak_is_found_by_its_name(
    name: str, peak: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: name)
    share = share_of_peak(1e12, 0.01, torch.device("cuda"))
    assert share == (None if peak is None else pytest.approx(1e14 / peak))
