"""Whatever the document allows is answered as the document says, and nothing breaks the server."""

import pytest
import schemathesis
from edge_fixtures import Lab
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.main import create_app
from backend.settings import Settings

pytest_plugins = ["edge_fixtures"]

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
"""Not among them: what pydantic converts ("1" for a number) counts as bad data that was let in."""


# A stream has no end that could be waited for, and logins wait after many failures: they have their own tests.
OPERATIONS = [
    (method, path)
    for path, operations in create_app(Settings()).openapi()["paths"].items()
    for method in operations
    if path not in {"/api/v1/stream", "/api/v1/session"}
]
FEW = hypothesis_settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(quiet_lab: Lab) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/api/openapi.json", quiet_lab.app, headers={"Host": "127.0.0.1"})


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_breaks_the_server_or_the_document(
    quiet_lab: Lab, api: schemathesis.BaseSchema, method: str, path: str
) -> None:
    # A token of its own: one of the requests that are tried revokes tokens.
    headers = {"Authorization": f"Bearer {quiet_lab.token()}", "Host": "127.0.0.1"}

    @FEW
    @given(case=api[path][method].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
