"""The order of a training: laws over any size of split, batch and world."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sce.data.sampler import BatchTooLarge, EveryItem, SeededSampler

worlds = st.integers(1, 4)
batches = st.integers(1, 8)
epochs = st.integers(0, 50)


def positions(sampler: SeededSampler | EveryItem) -> list[int]:
    return [draw.position for draw in sampler]


@given(st.integers(64, 300), batches, worlds, epochs)
def test_ranks_share_an_epoch_without_overlap(num_items, batch, world_size, epoch):
    ranks = [
        positions(SeededSampler(num_items, batch, seed=1, epoch=epoch, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    seen = [position for rank in ranks for position in rank]
    assert len(seen) == len(set(seen)) == num_items // (batch * world_size) * batch * world_size
    assert set(seen) <= set(range(num_items))


@given(st.integers(8, 200), batches, epochs, st.data())
def test_a_resumed_epoch_continues_where_it_was_left(num_items, batch, epoch, data):
    whole = SeededSampler(num_items, batch, seed=3, epoch=epoch)
    start = data.draw(st.integers(0, whole.num_batches))
    resumed = SeededSampler(num_items, batch, seed=3, epoch=epoch, start=start)
    assert positions(resumed) == positions(whole)[start * batch :]
    assert len(resumed) == len(whole)


@given(st.integers(16, 100), epochs)
def test_the_items_of_a_step_do_not_depend_on_the_number_of_ranks(num_items, epoch):
    alone = positions(SeededSampler(num_items, 4, seed=5, epoch=epoch))[:4]
    both = [positions(SeededSampler(num_items, 2, seed=5, epoch=epoch, rank=r, world_size=2)) for r in (0, 1)]
    assert alone == both[0][:2] + both[1][:2]


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [positions(SeededSampler(50, 5, seed=s, epoch=e)) for s, e in ((0, 0), (0, 1), (1, 0))]
    assert len({tuple(order) for order in orders}) == 3


def test_the_same_epoch_is_read_in_the_same_order_twice():
    sampler = SeededSampler(50, 5, seed=0, epoch=7)
    assert positions(sampler) == positions(sampler)


def test_a_new_epoch_starts_at_its_beginning():
    sampler = SeededSampler(50, 5, seed=0, epoch=2, start=4)
    sampler.set_epoch(2)
    assert sampler.start == 4
    sampler.set_epoch(3)
    assert (sampler.epoch, sampler.start) == (3, 0)


def test_an_epoch_ends_with_a_whole_optimizer_step():
    assert SeededSampler(50, 4, seed=0, accumulate=3).num_batches == 12


def test_draws_carry_their_epoch_to_the_loader_processes():
    assert {draw.epoch for draw in SeededSampler(10, 2, seed=0, epoch=6)} == {6}


def test_a_batch_larger_than_the_split_names_the_field_and_the_size():
    with pytest.raises(BatchTooLarge, match=r"optimisation\.batch_size 128 .* 100 readable items"):
        SeededSampler(100, 64, seed=0, world_size=2)


@given(st.integers(0, 100), worlds)
def test_scoring_visits_every_item_once_over_all_ranks(num_items, world_size):
    ranks = [EveryItem(num_items, rank, world_size) for rank in range(world_size)]
    assert sorted(p for rank in ranks for p in positions(rank)) == list(range(num_items))
    assert sum(map(len, ranks)) == num_items
