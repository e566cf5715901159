"""JSON as Python holds it, where its shape is known to who wrote it: a pydantic model, the trainer, or SQL."""

from collections.abc import Mapping
from typing import Any

# Any: every value that JSON has, nested. What reads a field of it names the type that it expects there.
Tree = dict[str, Any]
TreeView = Mapping[str, Any]
