"""A retrieval's page: stored neighbours joined to videos, filtered, paged, and never unpickled."""

from pathlib import Path

import numpy as np
import pytest
from makers import Lab, checkpoint, end

from backend.checkpoints import service as checkpoints
from backend.checkpoints.views import EvaluateRequest
from backend.datasets.tables import Item
from backend.errors import Conflict, Invalid, NotFound
from backend.evaluations.retrieval import QueryFilter, list_queries, read_retrieval
from backend.evaluations.views import QueryPage

RETRIEVAL = {"kind": "retrieval", "ranks": [1, 5]}
ANYTHING = QueryFilter(label=None, failures=False, k=5)


def store(file: Path, **changed: np.ndarray) -> None:
    """Eight queries over a bank of 40: query q finds position q + rank; labels go in turn over 4 classes."""
    position = np.arange(8)
    neighbours = position[:, None] + np.arange(1, 7)[None, :]
    neighbours[:4, 0] = position[:4]  # the nearest of the first four is of their class
    arrays = {
        "query_position": position,
        "neighbour_position": neighbours,
        "similarity": np.linspace(0.9, 0.1, 48, dtype=np.float32).reshape(8, 6),
        "query_label": position % 4,
        "neighbour_label": neighbours % 4,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **{**arrays, **changed})


@pytest.fixture
def searched(record: Lab) -> Lab:
    """Run 1 was trained; run 2, a retrieval of its last checkpoint, has finished."""
    record.dataset()
    record.host()
    record.tell(record.running(), checkpoint(25), checkpoint(50), end("finished"))
    for checkpoint_id in (2, 1):
        with record.sessions.begin() as db:
            asked = EvaluateRequest(protocol=RETRIEVAL)
            by = db.merge(record.user())
            checkpoints.evaluate(db, checkpoint_id, asked, settings=record.settings, by=by)
    record.claim()
    values = {"R@5": 0.75, "R@1": 0.5}
    result = {"event": "result", "attempt": 1, "values": values, "protocol": {"bank": 40}, "files": []}
    record.tell(2, result, end("finished"))
    store(results(record))
    return record


def results(lab: Lab) -> Path:
    return lab.settings.run_folder(2) / "results" / "retrieval.npz"


def queries(lab: Lab, wanted: QueryFilter = ANYTHING, *, page: int = 1, size: int = 50) -> QueryPage:
    with lab.sessions() as db:
        return list_queries(db, 2, wanted, settings=lab.settings, page=page, size=size)


def test_a_retrieval_tells_its_scores_and_what_was_searched(searched: Lab) -> None:
    with searched.sessions() as db:
        seen = read_retrieval(db, 2, settings=searched.settings)
    assert [(rank.k, rank.recall) for rank in seen.ranks] == [(1, 0.5), (5, 0.75)]
    assert (seen.num_queries, seen.num_bank, seen.num_stored) == (8, 40, 6)
    assert seen.recall_by_class == {f"class{label}": 0.5 for label in range(4)}
    assert [point.epoch for point in seen.siblings] == [5, 10]
    assert "10 clips x 3 crops" in seen.protocol_words


def test_a_query_stands_beside_its_nearest(searched: Lab) -> None:
    first = queries(searched).items[0]
    assert (first.query.name, first.query.class_name, first.first_correct_rank) == ("0.mp4", "class0", 1)
    assert [one.rank for one in first.neighbours] == [1, 2, 3, 4, 5]
    assert [one.is_correct for one in first.neighbours] == [True, False, False, True, False]
    assert first.neighbours[0].similarity == pytest.approx(0.9)
    assert first.neighbours[0].clip.preview_url.startswith("/api/v1/media/")
    assert first.query.item_id != first.neighbours[0].clip.item_id


def test_queries_are_filtered_by_class_and_by_failure(searched: Lab) -> None:
    of_class = queries(searched, QueryFilter(label="class1", failures=False, k=1))
    failed = queries(searched, QueryFilter(label=None, failures=True, k=1))
    assert [one.position for one in of_class.items] == [1, 5]
    assert [one.position for one in failed.items] == [4, 5, 6, 7]


def test_queries_come_a_page_at_a_time(searched: Lab) -> None:
    seen = queries(searched, page=2, size=3)
    assert ([one.position for one in seen.items], seen.total) == ([3, 4, 5], 8)


def test_a_page_behind_the_last_is_empty(searched: Lab) -> None:
    assert queries(searched, page=9).items == []


def test_a_class_that_is_not_there_is_told_at_its_field(searched: Lab) -> None:
    with pytest.raises(Invalid) as error:
        queries(searched, QueryFilter(label="cats", failures=False, k=1))
    assert list(error.value.fields) == ["label"]


def test_a_retrieval_without_results_says_what_it_does(searched: Lab) -> None:
    with searched.sessions() as db, pytest.raises(Conflict, match="has no retrieval results: it is queued"):
        read_retrieval(db, 3, settings=searched.settings)


def test_another_kind_of_run_is_no_retrieval(searched: Lab) -> None:
    with searched.sessions() as db, pytest.raises(NotFound):
        read_retrieval(db, 1, settings=searched.settings)


def test_a_pickle_in_the_results_is_refused_and_never_run(searched: Lab) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (searched.settings.home / "run",))

    store(results(searched), similarity=np.array([Bomb()], dtype=object))
    with pytest.raises(Conflict, match="cannot be read"):
        queries(searched)
    assert not (searched.settings.home / "run").exists()


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04torn"])
def test_a_broken_file_of_results_is_a_sentence(searched: Lab, content: bytes) -> None:
    results(searched).write_bytes(content)
    with pytest.raises(Conflict, match="run it again"):
        queries(searched)


def test_arrays_that_do_not_fit_each_other_are_refused(searched: Lab) -> None:
    store(results(searched), query_label=np.zeros(3, dtype=np.int64))
    with pytest.raises(Conflict, match="not as many queries"):
        queries(searched)


def test_results_behind_a_link_out_of_the_folder_are_not_read(searched: Lab, tmp_path: Path) -> None:
    store(tmp_path / "elsewhere.npz")
    results(searched).unlink()
    results(searched).symlink_to(tmp_path / "elsewhere.npz")
    with pytest.raises(Conflict, match="no retrieval results"):
        queries(searched)


def test_a_data_set_that_changed_is_noticed_instead_of_showing_other_videos(searched: Lab) -> None:
    with searched.sessions.begin() as db:
        db.query(Item).filter_by(split="val", position=3).one().label = 0
    with pytest.raises(Conflict, match="changed since this retrieval"):
        queries(searched)
