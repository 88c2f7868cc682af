import math

import numpy as np
import pytest
import torch
from molar_cases import content, small, walks
from torch.nn.functional import normalize

from gistrec.baselines.molar.losses import both_ways, next_item_nce
from gistrec.baselines.molar.network import UserEncoder
from gistrec.baselines.molar.training import MolarPupil, train_molar
from gistrec.data.sequences import PAD
from gistrec.sequence.batches import windows

N_ITEMS = 30


def test_the_loss_is_the_share_of_the_positive_among_all() -> None:
    table = torch.eye(3)
    loss = next_item_nce(table[:1], table[1:2], table, torch.tensor(2.0), 0.99)
    # Its own cosine is 0; of the negatives item 0 has 1, item 2 has 0, item 1 is itself.
    expected = -math.log(1 / (1 + math.e**2 + 1))
    assert float(loss) == pytest.approx(expected)


def test_near_duplicates_of_the_positive_are_no_negatives() -> None:
    near = normalize(torch.tensor([[1.0, 0.1]]), dim=1)  # a cosine of 0.995
    far = normalize(torch.tensor([[1.0, 0.2]]), dim=1)  # of 0.981
    positive = torch.tensor([[1.0, 0.0]])
    state, scale = torch.tensor([[0.6, 0.8]]), torch.tensor(10.0)
    assert float(next_item_nce(state, positive, near, scale, 0.99)) == 0.0
    assert float(next_item_nce(state, positive, far, scale, 0.99)) > 0.5
    assert float(next_item_nce(state, positive, near, scale, 1.0)) > 0.5


def test_both_ways_is_the_same_either_way() -> None:
    torch.manual_seed(0)
    one, other, none = torch.randn(5, 4), torch.randn(5, 4), torch.zeros(5, 5, dtype=torch.bool)
    assert torch.allclose(both_ways(one, other, none, 0.2), both_ways(other, one, none, 0.2))


def test_the_scale_begins_as_released_and_keeps_its_bounds() -> None:
    users = UserEncoder(small(), 4, 5)
    assert users.scale.item() == pytest.approx(1 / 0.07)
    for told, kept in ((-3.0, 1.0), (9.0, 100.0)):
        with torch.no_grad():
            users.log_scale.fill_(told)
        assert users.scale.item() == pytest.approx(kept)


def test_a_state_knows_nothing_of_what_comes_after_it() -> None:
    torch.manual_seed(0)
    users = UserEncoder(small(dropout=0.0), 6, 5).eval()
    table = users.projected(torch.randn(8, 6))
    one = users.states(torch.tensor([[1, 2, 3, 4]]), table)
    other = users.states(torch.tensor([[1, 2, 7, PAD]]), table)
    assert torch.allclose(one[:, :3], other[:, :3], atol=1e-6)
    assert not torch.allclose(one[:, 3], other[:, 3], atol=1e-3)


def nearer_by_ids(weight: float) -> float:
    """How much nearer users are to their own state by ids than to those of others, in cosine."""
    log = walks(N_ITEMS, True, 64, 1)
    config = small(alignment=1.0, dropout=0.0)
    torch.manual_seed(0)
    pupil = MolarPupil(config, np.ones(N_ITEMS, dtype=np.bool_), content(N_ITEMS, log))
    network, ids = pupil.network, pupil.id_model
    assert ids is not None
    assert network.from_ids is not None
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    items = torch.from_numpy(log.padded(10).astype(np.int64))
    for _ in range(25):
        states = network.users.states(items, network.catalogue())
        loss = weight * pupil._alignment(windows(log, 12), states, ids)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    told = normalize(network.from_ids(torch.from_numpy(ids.encode(log))), dim=1)
    cosines = (states[:, -1] @ told.T).detach()
    return float(cosines.diagonal().mean() - cosines.mean())


def test_alignment_pulls_a_user_to_its_own_state_by_ids() -> None:
    assert abs(nearer_by_ids(0.0)) < 0.1
    assert nearer_by_ids(1.0) > 0.4


def test_without_a_weight_there_is_nothing_to_align_with() -> None:
    log = walks(N_ITEMS, True, 40, 1)
    told = content(N_ITEMS, log)
    aligned = train_molar(small(epochs=1), log, None, told)
    alone = train_molar(small(epochs=1, alignment=0.0), log, None, told)
    assert aligned.facts()["alignment"] is True
    assert alone.facts()["alignment"] is False
    assert not np.allclose(aligned.score(log, None), alone.score(log, None))
