"""A protocol as people write it beside a score."""

from collections.abc import Mapping
from typing import Any

Protocol = Mapping[str, Any]  # Any: JSON, of which a record from before may lack a field
KIND_WORDS = {
    "knn": "k-NN",
    "linear": "Linear probe",
    "finetune": "Fine-tuning",
    "test": "Test",
    "retrieval": "Retrieval",
    "extract": "Features",
    "svm": "Few-shot SVMs",
    "transfer": "Linear transfer",
}


def kind_word(kind: str) -> str:
    return KIND_WORDS.get(kind, kind)


def as_scored(asked: Protocol, journaled: Protocol) -> Protocol:
    """The protocol with the views that the score is of: one, where the final test was left out after it validated."""
    return {**asked, "views": journaled["views"]} if "views" in journaled else asked


def protocol_words(protocol: Protocol) -> str:
    """As in 'k-NN, k 20, 1 clip x 1 crop': what two scores must share to be compared."""
    kind = str(protocol.get("kind", ""))
    parts = [kind_word(kind), *_own_words(kind, protocol)]
    views = protocol.get("views")
    if isinstance(views, Mapping):
        parts.append(f"{_count(views.get('clips'), 'clip')} x {_count(views.get('crops'), 'crop')}")
        parts.append(f"{views.get('size')} px")
    return ", ".join(parts)


def _own_words(kind: str, protocol: Protocol) -> list[str]:
    if kind == "knn":
        swept = " and others" if protocol.get("more_k") or protocol.get("more_temperatures") else ""
        return [f"k {protocol.get('k')}", f"temperature {protocol.get('temperature'):g}{swept}"]
    if kind == "retrieval":
        centre = {"own": "each side centred", "bank": "bank's mean on both", "none": "not centred"}
        normalised = "cosine" if protocol.get("normalise", True) else "dot product"
        return [centre.get(str(protocol.get("centre")), "centre not said"), normalised]
    learning = protocol.get("optimisation")
    if isinstance(learning, Mapping):
        tested = [f"test of the {protocol['which']} classifier"] if protocol.get("which") else []
        sizes = [f"{learning.get('epochs')} epochs", f"batch {learning.get('batch_size')}"]
        return [*sizes, *_frozen(protocol), *tested]
    return _of_features(kind, protocol)


def _of_features(kind: str, protocol: Protocol) -> list[str]:
    if kind == "test":
        return [
            {"both": "best and last classifier"}.get(
                which := str(protocol.get("which")), f"{which} classifier"
            )
        ]
    if kind == "svm":
        shots = ", ".join(str(one) for one in protocol.get("shots", ()))
        return [f"{shots} a class, {_count(protocol.get('draws'), 'draw')}", f"C {protocol.get('cost'):g}"]
    if kind == "transfer":
        tried = f"{_count(protocol.get('num_l2'), 'penalty').replace('penaltys', 'penalties')} tried"
        return [f"{tried} on {split}" if (split := protocol.get("validation_split")) else tried]
    return []


def _frozen(protocol: Protocol) -> list[str]:
    """What a fine-tuning does beside training everything."""
    said = []
    if dropout := protocol.get("dropout"):
        said.append(f"dropout {dropout:g}")
    if protocol.get("head_lr"):
        said.append(f"classifier's rate {protocol['head_lr']:g}")
    if epochs := protocol.get("freeze_trunk_epochs"):
        said.append(f"trunk frozen for {_count(epochs, 'epoch')}")
    if protocol.get("freeze_norms"):
        said.append("norms frozen")
    return said


def _count(number: object, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
