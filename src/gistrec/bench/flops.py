"""What a forward pass over a row must compute, and what a card could."""

import torch

from gistrec.mllm.backbone import Backbone
from gistrec.mllm.packing import Row

# Dense bfloat16 peaks in TFLOP/s from the makers' data sheets, by a part of the card's name; the
# first that fits counts.
_PEAKS = (
    ("B200", 2250.0),
    ("H200", 989.0),
    ("H100 PCIe", 756.0),
    ("H100 NVL", 835.0),
    ("H100", 989.0),
    ("H800", 989.0),
    ("H20", 148.0),
    ("A100", 312.0),
    ("A800", 312.0),
    ("L40S", 362.0),
    ("L40", 181.0),
    ("L4", 121.0),
    ("A40", 150.0),
    ("A30", 165.0),
    ("A10", 125.0),
    ("RTX 4090", 165.0),
    ("RTX 3090", 71.0),
)


def row_flops(backbone: Backbone, row: Row) -> float:
    """Multiplications and additions of the language model over a packed row, without its head.

    Two for each weight and token; in attention four for each channel, layer and pair of tokens of
    which one sees the other.
    """
    config = backbone.language.config
    embedding = backbone.model.get_input_embeddings().weight
    weights = sum(value.numel() for value in backbone.language.parameters()) - embedding.numel()
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    channels = head * config.num_attention_heads * config.num_hidden_layers
    prefix = len(row.prefix.ids)
    pairs = prefix * (prefix + 1) / 2
    for branch in row.branches:
        count = len(branch.ids)
        pairs += count * prefix + count * (count + 1) / 2
    return 2.0 * weights * len(row) + 4.0 * channels * pairs


def share_of_peak(flops: float, seconds: float, device: torch.device) -> float | None:
    """Of the card's dense bfloat16 peak; None for other devices and cards not in the table."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    peak = next((peak for part, peak in _PEAKS if part in name), None)
    return None if peak is None else flops / seconds / (peak * 1e12)
