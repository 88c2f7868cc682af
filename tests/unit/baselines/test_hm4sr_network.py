import numpy as np
import pytest
import torch
from hm4sr_cases import sequences, small, vectors
from hypothesis import given
from hypothesis import strategies as st

from gistrec.baselines.contrast import alike, in_batch_contrast
from gistrec.baselines.hm4sr.batch import Batch
from gistrec.baselines.hm4sr.clock import Clock
from gistrec.baselines.hm4sr.hiding import share_of
from gistrec.baselines.hm4sr.network import Hm4sr
from gistrec.baselines.hm4sr.training import Hm4srPupil
from gistrec.config.hm4sr import Hm4srConfig

N_ITEMS = 9
LOG = sequences([[1, 2, 3, 4], [0, 5, 6], [7, 8], [2, 4, 6, 8, 0]])


def pupil(config: Hm4srConfig, categories: int = 0, timed: bool = True) -> Hm4srPupil:
    known = np.ones(N_ITEMS, dtype=np.bool_)
    clock = Clock.of(LOG) if timed else None
    return Hm4srPupil(config, known, vectors(N_ITEMS, categories), clock)


@pytest.mark.parametrize("kind", ["fixed", "as-released"])
def test_temporal_experts_are_trained_where_fixed_and_kept_where_released(kind: str) -> None:
    one = pupil(small(temporal_experts=kind))
    one.loss(LOG).backward()
    network = one.network
    named = dict(network.named_parameters())
    assert ("temporal.experts" in named) == (kind == "fixed")
    if kind == "fixed":
        assert named["temporal.experts"].grad is not None
        assert named["temporal.experts"].grad.abs().sum() > 0
    else:
        assert not network.temporal.experts.requires_grad
    # Saved either way: a ranker read from a folder scales as the one that was judged.
    assert "temporal.experts" in network.state_dict()
    assert named["temporal.gate.weight"].grad is not None


def test_every_parameter_has_a_part_in_the_loss() -> None:
    one = pupil(small(), categories=3)
    one.loss(LOG).backward()
    still = [name for name, value in one.network.named_parameters() if value.grad is None]
    assert still == []


def test_without_times_there_are_no_temporal_parts() -> None:
    one = pupil(small(), timed=False)
    one.loss(LOG).backward()
    names = [name for name, _ in one.network.named_parameters()]
    assert not [name for name in names if name.startswith(("time", "temporal", "placeholders"))]
    batch = Batch.of(LOG, N_ITEMS, None, torch.device("cpu"))
    mixed = one.network.mixed(batch, one.network.catalogue())
    with pytest.raises(ValueError, match="there are none"):
        one.network.copied_states(mixed, batch.real)


@pytest.mark.parametrize(
    ("weight", "changes"), [("id_contrast", 0), ("placeholder_contrast", 0), ("category", 2)]
)
def test_each_loss_has_its_weight(weight: str, changes: int) -> None:
    def loss(value: float) -> float:
        one = pupil(small(dropout=0.0, **{weight: value}), categories=changes)
        torch.manual_seed(5)
        return float(one.loss(LOG).detach())

    none, once, twice = loss(0.0), loss(1.0), loss(2.0)
    assert once > none
    assert twice - once == pytest.approx(once - none, rel=1e-3)


def test_the_id_is_at_first_untouched_by_what_experts_say() -> None:
    network = Hm4sr(small(), vectors(N_ITEMS), None)
    x = torch.randn(2, 3, 3, 16)
    aligned = network.align(x)
    assert torch.equal(aligned[:, :, 0], x[:, :, 0])
    assert not torch.equal(aligned[:, :, 1], x[:, :, 1])


def test_what_is_missing_is_one_learned_vector() -> None:
    network = Hm4sr(small(), vectors(N_ITEMS), None)
    catalogue = network.catalogue()
    # Item 0 has neither text nor image, nor has the marker behind the last item.
    for modality, part in ((1, network.text), (2, network.image)):
        assert torch.equal(catalogue[0, modality], part.missing)
        assert torch.equal(catalogue[N_ITEMS, modality], part.missing)
        assert not torch.equal(catalogue[1, modality], part.missing)


def test_what_comes_later_changes_no_state() -> None:
    network = Hm4sr(small(), vectors(N_ITEMS), Clock.of(LOG)).eval()
    whole = sequences([[1, 2, 3, 4]], [[100, 900, 1700, 9000]])
    known = sequences([[1, 2]], [[100, 900]])
    catalogue = network.catalogue()

    def states(histories: object) -> torch.Tensor:
        batch = Batch.of(histories, N_ITEMS, network.clock, torch.device("cpu"))  # type: ignore[arg-type]
        return network.states(network.mixed(batch, catalogue))

    torch.testing.assert_close(states(whole)[:, :3], states(known))


def test_times_are_read() -> None:
    network = Hm4sr(small(), vectors(N_ITEMS), Clock.of(LOG)).eval()
    catalogue = network.catalogue()

    def last(times: list[int]) -> torch.Tensor:
        batch = Batch.of(sequences([[1, 2]], [times]), N_ITEMS, network.clock, torch.device("cpu"))
        return network.final_states(batch, catalogue)

    assert not torch.allclose(last([100, 200]), last([100, 4000]))


def test_the_contrast_is_the_share_of_the_own_among_those_that_are_negatives() -> None:
    one = torch.eye(3)
    other = torch.eye(3)
    same = alike(torch.tensor([4, 4, 5]))
    # Rows 0 and 1 share a target: each sees itself and row 2. Row 2 sees all three.
    own, none = np.exp(1 / 0.5), np.exp(0 / 0.5)
    expected = -(2 * np.log(own / (own + none)) + np.log(own / (own + 2 * none))) / 3
    assert float(in_batch_contrast(one, other, same, 0.5)) == pytest.approx(expected, rel=1e-5)


@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    share=st.floats(0.01, 0.99),
)
def test_a_share_of_each_row_is_hidden_and_nothing_else(lengths: list[int], share: float) -> None:
    real = torch.arange(12)[None, :] < torch.tensor(lengths)[:, None]
    hidden = share_of(real, share)
    assert not (hidden & ~real).any()
    wanted = (share * real.sum(dim=1)).floor()
    assert torch.equal(hidden.sum(dim=1), wanted.long())
