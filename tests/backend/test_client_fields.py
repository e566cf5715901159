"""The client's words are the server's: a field that one of them gains, the other has."""

from typing import get_type_hints

import pytest
from pydantic import BaseModel

from backend.checkpoints.transfer_views import ImportQuestion, ImportRequest
from backend.checkpoints.views import EvaluateRequest
from backend.client_asks import EvaluateAsked, ForeignFile, ForeignOrigin, LaunchMore
from backend.runs.views import LaunchRequest


@pytest.mark.parametrize(
    ("asked", "heard", "apart"),
    [
        (LaunchMore, LaunchRequest, {"recipe", "overrides", "definition"}),
        (EvaluateAsked, EvaluateRequest, set()),
        (ForeignFile, ImportQuestion, {"path"}),
        (ForeignOrigin, ImportRequest, {"path"}),
    ],
)
def test_the_client_may_ask_for_every_field_that_the_server_hears(
    asked: type, heard: type[BaseModel], apart: set[str]
) -> None:
    assert get_type_hints(asked).keys() == heard.model_fields.keys() - apart
