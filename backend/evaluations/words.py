"""A protocol as people write it beside a score."""

from collections.abc import Mapping
from typing import Any

KIND_WORDS = {"knn": "k-NN", "linear": "Linear probe", "retrieval": "Retrieval", "extract": "Features"}


def kind_word(kind: str) -> str:
    return KIND_WORDS.get(kind, kind)


def protocol_words(protocol: Mapping[str, Any]) -> str:
    """As in 'k-NN, k 20, 1 clip x 1 crop': what two scores must share to be compared."""
    kind = str(protocol.get("kind", ""))
    parts = [kind_word(kind), *_own_words(kind, protocol)]
    views = protocol.get("views")
    if isinstance(views, Mapping):
        parts.append(f"{_count(views.get('clips'), 'clip')} x {_count(views.get('crops'), 'crop')}")
        parts.append(f"{views.get('size')} px")
    return ", ".join(parts)


def _own_words(kind: str, protocol: Mapping[str, Any]) -> list[str]:
    if kind == "knn":
        return [f"k {protocol.get('k')}", f"temperature {protocol.get('temperature'):g}"]
    if kind == "retrieval":
        centre = {"own": "each side centred", "bank": "bank's mean on both", "none": "not centred"}
        normalised = "cosine" if protocol.get("normalise", True) else "dot product"
        return [centre.get(str(protocol.get("centre")), "centre not said"), normalised]
    learning = protocol.get("optimisation")
    if kind == "linear" and isinstance(learning, Mapping):
        return [f"{learning.get('epochs')} epochs", f"batch {learning.get('batch_size')}"]
    return []


def _count(number: Any, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
