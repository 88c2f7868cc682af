import math

import pytest
import torch

from gistrec.sequence.losses import full_softmax, sampled_softmax

TABLE = torch.tensor([[0.0], [1.0], [2.0], [5.0]])
STATE = torch.tensor([[1.0], [-1.0]])


def test_full_softmax_lets_only_known_items_compete() -> None:
    loss = full_softmax(STATE, torch.tensor([1, 2]), TABLE, torch.tensor([0, 1, 2]))
    first = math.log(math.exp(0) + math.exp(1) + math.exp(2)) - 1
    second = math.log(math.exp(0) + math.exp(-1) + math.exp(-2)) + 2
    assert loss.item() == pytest.approx((first + second) / 2)


def test_a_negative_that_is_the_target_does_not_count() -> None:
    loss = sampled_softmax(STATE, torch.tensor([1, 1]), TABLE, torch.tensor([1]), negatives=5)
    assert loss.item() == 0.0


def test_many_samples_approach_the_full_softmax() -> None:
    torch.manual_seed(0)
    known = torch.arange(50)
    table, states = torch.randn(50, 4) / 2, torch.randn(8, 4)
    targets = torch.arange(8)
    full = full_softmax(states, targets, table, known)
    sampled = sampled_softmax(states, targets, table, known, negatives=20_000)
    assert sampled.item() == pytest.approx(full.item(), abs=0.02)
