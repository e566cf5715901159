"""The queue of keys, the heads, and how the momentum branch follows."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sce.definition import Predictor, Projector
from sce.modules import (
    KeyQueue,
    SplitNorm,
    follow,
    gather,
    gather_with_gradient,
    momentum_copy,
    predictor,
    projector,
    shuffled,
    split_norms,
    unit,
    unshuffled,
)


def numbered(first: int, count: int) -> Tensor:
    """Keys that say when they came: row i is (i, i)."""
    return torch.arange(first, first + count, dtype=torch.float32)[:, None].expand(-1, 2)


def test_a_new_queue_holds_unit_vectors() -> None:
    torch.testing.assert_close(KeyQueue(16, 8).keys_QC.norm(dim=1), torch.ones(16))


@pytest.mark.parametrize("batch", [1, 3, 5, 7, 12])
def test_the_queue_holds_the_latest_keys_whatever_the_batch(batch: int) -> None:
    queue, pushed = KeyQueue(7, 2), 0
    while pushed < 30:
        queue.push(numbered(pushed, batch))
        pushed += batch
    assert sorted(queue.keys_QC[:, 0].tolist()) == list(range(pushed - 7, pushed))
    assert int(queue.next_slot) == pushed % 7


def test_the_oldest_key_is_overwritten_first() -> None:
    queue = KeyQueue(5, 2)
    queue.push(numbered(0, 4))
    queue.push(numbered(4, 3))
    assert queue.keys_QC[:, 0].tolist() == [5, 6, 2, 3, 4]


def test_an_empty_queue_takes_nothing() -> None:
    queue = KeyQueue(0, 2)
    queue.push(numbered(0, 4))
    assert queue.keys_QC.shape == (0, 2)


def test_the_queue_is_state() -> None:
    queue, other = KeyQueue(5, 2), KeyQueue(5, 2)
    queue.push(numbered(0, 3))
    other.load_state_dict(queue.state_dict())
    assert torch.equal(other.keys_QC, queue.keys_QC)
    assert int(other.next_slot) == 3


def test_no_gradient_enters_the_queue() -> None:
    queue = KeyQueue(4, 2)
    queue.push(torch.ones(2, 2, requires_grad=True))
    assert not queue.keys_QC.requires_grad


def test_the_momentum_branch_follows_by_the_formula() -> None:
    online = nn.Linear(3, 2)
    target = momentum_copy(nn.Linear(3, 2))
    expected = 0.99 * target.weight + 0.01 * online.weight
    follow(target, online, momentum=0.99)
    torch.testing.assert_close(target.weight, expected)


@pytest.mark.parametrize(("momentum", "is_moved"), [(1.0, False), (0.0, True)])
def test_the_momentum_branch_stays_at_one_and_jumps_at_zero(momentum: float, is_moved: bool) -> None:
    online, target = nn.Linear(3, 2), momentum_copy(nn.Linear(3, 2))
    before = target.weight.clone()
    follow(target, online, momentum=momentum)
    torch.testing.assert_close(target.weight, online.weight if is_moved else before)


def test_the_momentum_branch_starts_as_an_exact_copy_with_its_own_statistics() -> None:
    online = nn.BatchNorm1d(4)
    online(torch.randn(8, 4))
    target = momentum_copy(online)
    assert torch.equal(target.running_mean, online.running_mean)
    online(torch.randn(8, 4) + 5)
    follow(target, online, momentum=0.5)
    assert not torch.equal(target.running_mean, online.running_mean)
    assert not any(parameter.requires_grad for parameter in target.parameters())


def test_the_papers_projector_and_predictor_have_their_published_layers() -> None:
    head = projector(2048, Projector(hidden_width=4096))
    shapes = [tuple(part.weight.shape) for part in head if isinstance(part, nn.Linear)]
    assert shapes == [(4096, 2048), (4096, 4096), (256, 4096)]
    assert all(part.bias is None for part in head if isinstance(part, nn.Linear))
    assert isinstance(head[-1], nn.BatchNorm1d)
    assert head[-1].weight is None
    last = predictor(256, Predictor(hidden_width=4096))[-1]
    assert isinstance(last, nn.Linear)
    assert last.bias is None


def test_a_projector_that_ends_in_a_linear_layer_has_its_bias() -> None:
    last = projector(512, Projector(hidden_width=512, num_layers=2, width=128, norm_last=False))[-1]
    assert isinstance(last, nn.Linear)
    assert last.bias is not None


def test_unit_vectors_are_float32_and_a_zero_stays_zero() -> None:
    vectors = unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.bfloat16))
    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_one_process_gathers_its_own_rows() -> None:
    rows = torch.ones(2, 3, requires_grad=True)
    assert not gather(rows).requires_grad
    assert gather_with_gradient(rows).requires_grad


# -- a batch norm that does not give the positive away


def test_split_norm_is_a_batch_norm_of_each_interleaved_part() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4))
    whole = copy.deepcopy(network)
    split_norms(network, 2)
    clips = torch.randn(6, 3, 2, 5, 5)
    out = network(clips)
    even, odd = copy.deepcopy(whole), copy.deepcopy(whole)
    torch.testing.assert_close(out[0::2], even(clips[0::2]))
    torch.testing.assert_close(out[1::2], odd(clips[1::2]))
    mean = (even[1].running_mean + odd[1].running_mean) / 2
    torch.testing.assert_close(network[1].running_mean, mean)


def test_split_norms_keep_names_weights_and_statistics() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4), nn.BatchNorm1d(4))
    before = copy.deepcopy(network.state_dict())
    split_norms(network, 4)
    assert network.state_dict().keys() == before.keys()
    assert isinstance(network[1], SplitNorm)
    assert isinstance(network[2], nn.BatchNorm1d)  # heads stay whole
    picture = torch.randn(2, 3, 4, 4)
    plain = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4), nn.BatchNorm1d(4))
    plain.load_state_dict(before)
    torch.testing.assert_close(network[:2].eval()(picture), plain[:2].eval()(picture))


def test_a_batch_that_does_not_split_evenly_is_refused() -> None:
    network = nn.Sequential(nn.BatchNorm2d(4))
    split_norms(network, 4)
    with pytest.raises(ValueError, match="6 clips cannot be normalised in 4 equal parts"):
        network(torch.randn(6, 4, 2, 2))


def test_what_was_shuffled_comes_back_in_order() -> None:
    rows = torch.arange(12.0).view(12, 1)
    torch.manual_seed(3)
    mixed, order = shuffled(rows)
    assert not torch.equal(mixed, rows)
    assert torch.equal(unshuffled(mixed * 10, order), rows * 10)


@pytest.mark.parametrize(("norm_hidden", "norms"), [(True, 2), (False, 0)])
def test_a_projector_without_norms_has_biases_instead(norm_hidden: bool, norms: int) -> None:
    layers = projector(6, Projector(hidden_width=5, width=4, norm_hidden=norm_hidden, norm_last=False))
    assert sum(isinstance(layer, nn.BatchNorm1d) for layer in layers) == norms
    hidden = [layer for layer in layers if isinstance(layer, nn.Linear)][:-1]
    assert {layer.bias is None for layer in hidden} == {norm_hidden}


def test_a_predictor_may_end_in_a_norm_without_weights() -> None:
    last = predictor(4, Predictor(hidden_width=5, norm_last=True))[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert last.weight is None
