"""What no form sends and some script will: the answer names what is wrong, on either database, and is no 500."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from makers import PRETRAIN, Lab, checkpoint
from pydantic import ValidationError
from starlette.testclient import TestClient

from backend.runs.views import RunEdit
from backend.views import of_text

NUL = "a\x00b"
HALF = "a\ud800b"


@pytest.fixture
def lab(record: Lab) -> Lab:
    """One data set, one host, and run 1 with one checkpoint."""
    record.dataset()
    record.host()
    record.tell(record.running(), checkpoint(0, kind="initial"))
    return record


def faults(rest: TestClient, method: str, path: str, body: Any) -> dict[str, str]:
    """The fields that a refusal names; half a surrogate pair passes as an escape, as browsers send it."""
    headers = {"Content-Type": "application/json"}
    answer = rest.request(method, path, content=json.dumps(body), headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {field["field"]: field["message"] for field in answer.json()["fields"]}


@pytest.mark.parametrize("text", [NUL, HALF], ids=["nul", "half-a-pair"])
@pytest.mark.parametrize(
    ("method", "path", "field", "wrap"),
    [
        ("POST", "/runs", "name", str),
        ("POST", "/runs", "experiment", str),
        ("POST", "/runs", "notes", str),
        ("POST", "/runs", "tags", lambda text: ["fine", text]),
        ("POST", "/runs", "overrides", lambda text: {text: 1}),
        ("POST", "/runs", "definition", lambda text: {**PRETRAIN, "kind": text}),
        ("PATCH", "/runs/1", "notes", str),
        ("PATCH", "/runs/1", "tags", lambda text: [text]),
        ("POST", "/experiments", "name", str),
        ("PATCH", "/experiments/1", "description", str),
        ("POST", "/tokens", "name", str),
        ("POST", "/session", "name", str),
        (
            "POST",
            "/checkpoints/1/evaluate",
            "protocol",
            lambda text: {"kind": "knn", "note": {"deep": [text]}},
        ),
    ],
)
def test_what_is_no_text_is_refused_at_its_field(
    lab: Lab, rest: TestClient, method: str, path: str, field: str, wrap: Any, text: str
) -> None:
    body = {"definition": PRETRAIN} if path == "/runs" else {}
    told = faults(rest, method, path, {**body, field: wrap(text)})
    assert "no text" in told[field]


@pytest.mark.parametrize(
    "address",
    [
        "/runs?q=%00",
        "/runs?tag=%00",
        "/runs?seed_group=%00",
        "/metrics?run=1&key=loss&key=%00",
        "/datasets/1/items?q=%00",
        "/datasets/1/items?split=%00",
        "/runs/1/logs?search=%00",
    ],
)
def test_a_search_for_what_is_no_text_is_refused(lab: Lab, rest: TestClient, address: str) -> None:
    answer = rest.get(address)
    assert answer.status_code == 422
    assert "no text" in answer.json()["fields"][0]["message"]


@pytest.mark.parametrize(
    "query", ["%ff%fe", "%ed%a0%80", "%F0%9F%8E%9E", "'; DROP TABLE runs; --", "%25_%5C"]
)
def test_any_other_search_finds_nothing_and_breaks_nothing(lab: Lab, rest: TestClient, query: str) -> None:
    assert rest.get(f"/runs?q={query}").json()["total"] == 0
    assert rest.get("/runs").json()["total"] == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimisation.epochs", 10**30),
        ("optimisation.epochs", 2**31),
        ("method.queue_size", 2**40),
        ("checkpoints.every_epochs", 2**63),
    ],
)
def test_a_number_too_large_for_the_record_names_its_field(
    record: Lab, rest: TestClient, key: str, value: int
) -> None:
    record.dataset()
    told = faults(rest, "POST", "/runs", {"definition": PRETRAIN, "overrides": {key: value}})
    assert "2147483647" in told[key]


@pytest.mark.parametrize("seed", [-1, 2**31, 2**70, "one", 1.5])
def test_a_seed_that_is_none_names_its_place(lab: Lab, rest: TestClient, seed: Any) -> None:
    assert list(faults(rest, "POST", "/runs", {"definition": PRETRAIN, "seeds": [3, seed]})) == ["seeds.1"]


@pytest.mark.parametrize("number", ["-1", str(2**31), str(2**70), "one"])
@pytest.mark.parametrize("path", ["/tokens/{}", "/checkpoints/{}"])
def test_a_number_that_no_row_can_have_is_refused(rest: TestClient, path: str, number: str) -> None:
    assert rest.delete(path.format(number)).status_code == 422


@pytest.mark.parametrize(
    "path",
    ["9" * 20 + "/a.ckpt", "\N{SUPERSCRIPT TWO}/a.ckpt", "9/a.ckpt", "../../../etc/passwd", "x" * 1000],
)
def test_a_checkpoint_path_that_leads_nowhere_is_told_at_the_path(
    lab: Lab, rest: TestClient, path: str
) -> None:
    asked = {"kind": "evaluation", "checkpoint": {"path": path}, "data": PRETRAIN["data"]}
    body = {"definition": {**asked, "protocol": {"kind": "knn", "k": 5}}}
    assert list(faults(rest, "POST", "/runs", body)) == ["checkpoint.path"]


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/experiments"), ("PATCH", "/runs/1"), ("POST", "/tokens")]
)
def test_nothing_gets_a_blank_name(lab: Lab, rest: TestClient, method: str, path: str, name: str) -> None:
    assert list(faults(rest, method, path, {"name": name})) == ["name"]


def test_spaces_around_a_name_make_no_other_experiment(lab: Lab, rest: TestClient) -> None:
    assert rest.post("/experiments", json={"name": " temperatures "}).json()["name"] == "temperatures"
    assert rest.post("/experiments", json={"name": "temperatures"}).status_code == 409


def test_a_body_that_was_not_said_to_be_json_is_told_the_header(lab: Lab, rest: TestClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl -d says when it is told nothing
    answer = rest.post("/runs", content=json.dumps({"definition": PRETRAIN}), headers=form)
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


def test_a_body_nested_beyond_reading_is_told_so(rest: TestClient) -> None:
    answer = rest.post("/runs", content="[" * 100_000, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]


@pytest.mark.parametrize("depth", [100, 400])
def test_overrides_nested_deeply_are_refused_like_any_other(lab: Lab, rest: TestClient, depth: int) -> None:
    body = {"definition": PRETRAIN, "overrides": json.loads('{"a":' * depth + "1" + "}" * depth)}
    assert rest.post("/runs", json=body).status_code == 422


def test_more_than_an_answer_could_hold_is_not_asked_for(rest: TestClient) -> None:
    assert rest.get("/runs?size=501").status_code == 422
    assert rest.get("/metrics", params={"run": [1] * 101, "key": ["loss"]}).status_code == 422
    assert rest.post("/runs/bulk", json={"ids": [1] * 1001, "action": "stop"}).status_code == 422
    assert rest.post("/runs/1/clone", json={f"key{number}": 1 for number in range(201)}).status_code == 422


@pytest.mark.parametrize("tag", ['say "hi"', "back\\slash", "é", "100%", "a_b", "日本", "it's"])
def test_a_run_is_found_by_any_tag_it_may_have(lab: Lab, rest: TestClient, tag: str) -> None:
    assert rest.patch("/runs/1", json={"tags": [f" {tag} ", "other"]}).json()["tags"] == [tag, "other"]
    assert rest.get("/runs", params={"tag": tag}).json()["total"] == 1
    assert rest.get("/runs", params={"tag": tag[:-1]}).json()["total"] == 0


@hypothesis_settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(notes=st.text(max_size=200))
def test_notes_come_back_as_they_were_written(lab: Lab, rest: TestClient, notes: str) -> None:
    answer = rest.patch("/runs/1", json={"notes": notes})
    kept = answer.status_code == 200 and answer.json()["notes"] == notes
    assert kept or ("\x00" in notes and answer.status_code == 422)


@given(
    st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_text_at_any_depth_is_judged_alike(value: Any) -> None:
    has_nul = "\\u0000" in json.dumps(value).replace("\\\\", "")
    if has_nul:
        with pytest.raises(ValueError, match="no text"):
            of_text(value)
    else:
        assert of_text(value) == value


def test_the_library_refuses_it_too() -> None:
    with pytest.raises(ValidationError, match="no text"):
        RunEdit(notes=NUL)
