"""Whether a file's tensors are a trunk's weights: compared name by name before anything is loaded."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sce.definition import Naming, Trunk
from sce.naming import ANCHORS, COUNTER, HEADS, names

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

MOMENTUM_WORDS = ("momentum", "teacher", "ema", "encoder_k", "target")
MAX_NAMED = 3
MAX_PREFIXES = 8


@dataclass(frozen=True)
class Pair:
    """A tensor of the file and the weight that it becomes."""

    key: str
    becomes: str
    shape: Shape


@dataclass(frozen=True)
class WrongShape:
    key: str
    shape: Shape
    needs: Shape


@dataclass(frozen=True)
class Match:
    """A file's tensors held against one trunk. It is whole when nothing is missing, unexpected or misshapen."""

    naming: Naming
    prefix: str
    pairs: tuple[Pair, ...]
    missing: tuple[str, ...] = ()
    """Names that the file should have."""
    unexpected: tuple[str, ...] = ()
    """Names under the prefix that no weight of the trunk has."""
    wrong_shape: tuple[WrongShape, ...] = ()
    head: tuple[str, ...] = ()
    """A classifier on top of the trunk: known by its name, and left behind."""
    counters: tuple[str, ...] = ()
    """Norms' counts of batches that the file leaves out; nothing computes with them."""
    elsewhere: tuple[tuple[str, int], ...] = ()
    """Other parts of the file, outside the prefix: what they begin with, and how many tensors."""

    @property
    def is_whole(self) -> bool:
        return bool(self.pairs) and not (self.missing or self.unexpected or self.wrong_shape)


def match(found: Shapes, wanted: Shapes, *, naming: Naming, prefix: str) -> Match:
    """Hold the file's tensors against the trunk's weights, read by ``naming`` behind ``prefix``."""
    ours = names(wanted, naming)
    inside = {key.removeprefix(prefix): key for key in found if key.startswith(prefix)}
    head = {name for name in inside if name not in ours and name.startswith(HEADS[naming])}
    pairs, wrong = [], []
    for name, becomes in ours.items():
        if name not in inside:
            continue
        key = inside[name]
        if found[key] == wanted[becomes]:
            pairs.append(Pair(key, becomes, found[key]))
        else:
            wrong.append(WrongShape(key, found[key], wanted[becomes]))
    absent = [prefix + name for name in ours if name not in inside]
    outside = Counter(_first_part(key) for key in found if not key.startswith(prefix))
    return Match(
        naming=naming,
        prefix=prefix,
        pairs=tuple(pairs),
        missing=tuple(name for name in absent if not name.endswith(COUNTER)),
        unexpected=tuple(key for name, key in inside.items() if name not in ours and name not in head),
        wrong_shape=tuple(wrong),
        head=tuple(inside[name] for name in sorted(head)),
        counters=tuple(name for name in absent if name.endswith(COUNTER)),
        elsewhere=tuple(sorted(outside.items())),
    )


def _first_part(key: str) -> str:
    return key.split(".")[0] + ("." if "." in key else "")


def prefixes(found: Shapes, trunk: Trunk, naming: Naming) -> list[str]:
    """What stands before the trunk's names in the file, each place where they may begin."""
    anchor = ANCHORS[trunk.kind].get(naming, "")
    ends = [key.removesuffix(anchor) for key in found if anchor and key.endswith(anchor)]
    return [prefix for prefix in ends if prefix == "" or prefix.endswith((".", "/"))]


def best_match(
    found: Shapes,
    wanted: Shapes,
    trunk: Trunk,
    *,
    naming: Naming | None = None,
    prefix: str | None = None,
    branch: str = "online",
) -> Match | None:
    """The reading of the file that fits the trunk best; what is given is not looked for. None if nothing fits."""
    tried = [
        match(found, wanted, naming=one, prefix=before)
        for one in ANCHORS.get(trunk.kind, {})
        if naming in (None, one)
        for before in ([prefix] if prefix is not None else prefixes(found, trunk, one))
    ]
    meant = [one for one in tried if prefix is not None or is_momentum(one.prefix) == (branch == "momentum")]
    whole = [one for one in meant if one.pairs or prefix is not None]
    return max(whole, key=_fit, default=None)


def is_momentum(prefix: str) -> bool:
    """Whether a prefix is that of a slowly moving copy."""
    return any(word in prefix.lower() for word in MOMENTUM_WORDS)


def _fit(one: Match) -> tuple[bool, int, int]:
    faults = len(one.missing) + len(one.unexpected) + len(one.wrong_shape)
    return one.is_whole, len(one.pairs), -faults


def faults(one: Match, file: str, trunk: Trunk) -> str:
    """Why a match is not whole, in a sentence with its counts."""
    parts = list(_faults(one))
    matched, of = len(one.pairs), len(one.pairs) + len(one.missing) + len(one.wrong_shape)
    where = f"behind {one.prefix!r}" if one.prefix else "without prefix"
    return (
        f"{file} is not a whole {trunk.kind} trunk: read by the names of {one.naming} {where}, {matched} of {of} "
        f"weights match, {', '.join(parts)}. Choose another trunk, naming, prefix or file"
    )


def _faults(one: Match) -> Iterator[str]:
    if one.missing:
        yield f"{len(one.missing)} are missing ({_some(one.missing)})"
    if one.wrong_shape:
        first = one.wrong_shape[0]
        yield f"{len(one.wrong_shape)} have another shape ({first.key} is {first.shape}, not {first.needs})"
    if one.unexpected:
        yield f"{len(one.unexpected)} are of no use ({_some(one.unexpected)})"
    if one.missing and one.elsewhere:
        outside = ", ".join(f"{prefix!r} ({count})" for prefix, count in one.elsewhere[:MAX_PREFIXES])
        yield f"and outside that prefix lie {outside}"


def _some(keys: tuple[str, ...]) -> str:
    more = f" and {len(keys) - MAX_NAMED} more" if len(keys) > MAX_NAMED else ""
    return ", ".join(keys[:MAX_NAMED]) + more


def prefixes_found(found: Shapes) -> str:
    """What a file's names begin with, with counts, for whoever has to say where the trunk is."""
    counts = Counter(_first_part(key) for key in found)
    return (
        ", ".join(f"{prefix!r} ({number})" for prefix, number in counts.most_common(MAX_PREFIXES)) or "none"
    )
