"""The comparison of names, alone: pure, exact in its counts, and blind to nothing."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sce.definition import R50, Naming, R3d50
from sce.foreign import shapes_of
from sce.matching import (
    Match,
    Pair,
    Shapes,
    WrongShape,
    best_match,
    faults,
    is_momentum,
    match,
    prefixes,
    prefixes_found,
)
from sce.naming import names, namings_of

WANTED: dict[str, tuple[int, ...]] = {
    "layer1.0.conv1.weight": (4, 3),
    "bn1.weight": (4,),
    "bn1.num_batches_tracked": (),
}
PREFIXES = st.sampled_from(["", "trunk.", "module.", "a.b.c.", "encoder/"])


@pytest.fixture(scope="module")
def r50() -> Shapes:
    return shapes_of(R50())


def behind(prefix: str, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    return {prefix + key: shape for key, shape in shapes.items()}


def held(found: Shapes, prefix: str = "", naming: Naming = "torchvision") -> Match:
    return match(found, WANTED, naming=naming, prefix=prefix)


def test_a_whole_match_pairs_every_weight_with_its_own_shape() -> None:
    one = held(behind("trunk.", WANTED), "trunk.")
    assert one.is_whole
    assert one.pairs[0] == Pair("trunk.layer1.0.conv1.weight", "layer1.0.conv1.weight", (4, 3))
    assert {pair.becomes for pair in one.pairs} == WANTED.keys()


def test_nothing_at_all_is_no_match() -> None:
    one = held({})
    assert not one.is_whole
    assert one.missing == ("layer1.0.conv1.weight", "bn1.weight")


def test_a_missing_count_of_batches_is_told_apart_from_a_missing_weight() -> None:
    found = {key: shape for key, shape in WANTED.items() if "num_batches" not in key}
    one = held(found)
    assert (one.is_whole, one.missing, one.counters) == (True, (), ("bn1.num_batches_tracked",))


def test_a_head_is_left_behind_and_any_other_stranger_is_a_fault() -> None:
    one = held({**WANTED, "fc.weight": (5, 4), "fc.bias": (5,)})
    assert (one.is_whole, one.head) == (True, ("fc.bias", "fc.weight"))
    two = held({**WANTED, "attention.weight": (5, 4)})
    assert (two.is_whole, two.unexpected) == (False, ("attention.weight",))


def test_what_lies_outside_the_prefix_is_counted_and_no_fault() -> None:
    found = {
        **behind("trunk.", WANTED),
        "queue": (2, 3),
        "projector.0.weight": (1,),
        "projector.1.weight": (1,),
    }
    one = held(found, "trunk.")
    assert (one.is_whole, one.elsewhere) == (True, (("projector.", 2), ("queue", 1)))


def test_a_misshapen_weight_is_neither_matched_nor_missing() -> None:
    one = held({**WANTED, "bn1.weight": (8,)})
    assert one.wrong_shape == (WrongShape("bn1.weight", (8,), (4,)),)
    assert (one.missing, "bn1.weight" in {pair.key for pair in one.pairs}) == ((), False)


@given(st.sets(st.sampled_from(sorted(WANTED))), PREFIXES, st.sets(st.sampled_from(["x.y", "z"])))
def test_every_name_is_in_exactly_one_list(lost: set[str], prefix: str, strange: set[str]) -> None:
    """Nothing is dropped in silence: names of the file and of the trunk are all accounted for."""
    kept = {key: shape for key, shape in WANTED.items() if key not in lost}
    found = behind(prefix, {**kept, **dict.fromkeys(strange, (1,))})
    one = held(found, prefix)
    assert len(one.pairs) + len(one.unexpected) + len(one.wrong_shape) + len(one.head) == len(found)
    assert len(one.pairs) + len(one.missing) + len(one.wrong_shape) + len(one.counters) == len(WANTED)
    assert one.is_whole == (bool(one.pairs) and not strange and lost <= {"bn1.num_batches_tracked"})


def test_a_match_is_plain_data_that_can_be_sent() -> None:
    one = held({**WANTED, "bn1.weight": (8,), "x": (1,)})
    assert json.loads(json.dumps(dataclasses.asdict(one)))["naming"] == "torchvision"


# -- finding out


@pytest.mark.parametrize("prefix", ["", "trunk.", "module.backbone.", "encoder/"])
def test_the_prefix_is_wherever_the_names_begin(prefix: str, r50: Shapes) -> None:
    assert prefixes(behind(prefix, r50), R50(), "torchvision") == [prefix]


def test_a_name_that_only_ends_alike_is_no_beginning() -> None:
    assert prefixes({"otherlayer1.0.conv1.weight": (1,)}, R50(), "torchvision") == []


def test_two_trunks_in_one_file_are_told_apart_by_their_branch(r50: Shapes) -> None:
    found = {**behind("momentum_trunk.", r50), **behind("trunk.", r50)}
    for branch, prefix in (("online", "trunk."), ("momentum", "momentum_trunk.")):
        best = best_match(found, r50, R50(), branch=branch)
        assert best is not None
        assert (best.prefix, best.is_whole) == (prefix, True)


@pytest.mark.parametrize("naming", namings_of(R3d50()))
def test_each_video_naming_is_recognised(naming: Naming) -> None:
    wanted = shapes_of(R3d50())
    theirs = {name: wanted[key] for name, key in names(wanted, naming).items()}
    best = best_match(behind("backbone.", theirs), wanted, R3d50())
    assert best is not None
    assert best.is_whole
    # Ours behind "backbone." is pytorchvideo's behind "backbone.model." just as well.
    assert (best.naming, best.prefix) == (naming, "backbone.")


def test_a_given_prefix_is_taken_even_where_nothing_lies_behind_it(r50: Shapes) -> None:
    best = best_match(r50, r50, R50(), prefix="trunk.")
    assert best is not None
    assert (len(best.pairs), best.is_whole) == (0, False)


def test_the_best_of_two_readings_has_the_most_matched_names(r50: Shapes) -> None:
    half = dict(list(r50.items())[:100])
    best = best_match({**behind("a.", half), **behind("b.", r50)}, r50, R50())
    assert best is not None
    assert best.prefix == "b."


@pytest.mark.parametrize("prefix", ["momentum_trunk.", "teacher.", "model_ema.", "module.encoder_k."])
def test_a_slow_copys_prefix_is_known(prefix: str) -> None:
    assert is_momentum(prefix)
    assert not is_momentum("module.encoder_q.")


# -- sentences


def test_a_fault_names_three_and_counts_the_rest(r50: Shapes) -> None:
    one = match({}, r50, naming="torchvision", prefix="x.")
    sentence = faults(one, "a.pth", R50())
    assert sentence.startswith(
        "a.pth is not a whole r50 trunk: read by the names of torchvision behind 'x.', 0 of"
    )
    assert "(x.conv1.weight, x.bn1.weight, x.bn1.bias and 262 more)" in sentence


def test_a_fault_tells_what_lies_elsewhere() -> None:
    one = held({"backbone.bn1.weight": (4,)}, "trunk.")
    assert "outside that prefix lie 'backbone.' (1)" in faults(one, "a.pth", R50())


def test_prefixes_are_listed_by_how_many_names_they_have() -> None:
    assert prefixes_found({"a.x": (), "b.x": (), "b.y": (), "queue": ()}) == "'b.' (2), 'a.' (1), 'queue' (1)"
    assert prefixes_found({}) == "none"
