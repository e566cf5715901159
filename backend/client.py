"""SCE Lab from Python: what the REST API offers, typed, with its refusals as sentences.

lab = Lab(url="http://127.0.0.1:8265", token="scl_...")
launched = lab.launch("digits-sce-r18", {"optimisation.epochs": 20})
run = lab.wait(launched.runs[0].id)
"""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx
from pydantic import TypeAdapter, ValidationError

from backend.checkpoints.transfer_views import InspectionView
from backend.checkpoints.views import CheckpointView
from backend.client_asks import (
    CheckpointFilter,
    EvaluateAsked,
    ForeignFile,
    ForeignOrigin,
    LaunchMore,
    LogPart,
    MetricsPart,
    Params,
    RunFilter,
)
from backend.connection import read_connection
from backend.datasets.views import DatasetDetail, DatasetView
from backend.evaluations.views import EvaluationsView, RetrievalView
from backend.metrics.views import MetricsView, SeriesSummary
from backend.people.views import LoginLinkView, NewTokenView, TokenView
from backend.results.views import Format, OwnTable
from backend.runs.views import (
    LaunchedView,
    LogView,
    PreviewView,
    QueueView,
    RecipeView,
    RunDetail,
    RunView,
    SpreadView,
)
from backend.settings import Settings
from backend.slurm.views import ProfileView
from backend.views import Page, Problem

T = TypeVar("T")

READS_FOR_S = 330.0
"""A checkpoint is read by a program of its own, which may take minutes on a slow disk."""

ENDED = frozenset({"finished", "stopped", "failed"})


class Unreachable(Exception):
    """Nobody answers there."""

    def __init__(self, url: str) -> None:
        super().__init__(f"Nobody answers at {url}: is SCE Lab running? `scelab up` starts it.")


class Refused(Exception):
    """The server said no, and why."""

    def __init__(self, problem: Problem) -> None:
        fields = [f"  {field.field}: {field.message}" for field in problem.fields]
        is_only_one = len(fields) == 1 and problem.detail.endswith(problem.fields[0].message)
        # A single fault is said once, and always with its field.
        names_it = is_only_one and problem.detail.endswith(fields[0].strip())
        told = [problem.detail] if names_it else fields if is_only_one else [problem.detail, *fields]
        super().__init__("\n".join(told))
        self.problem = problem


class TookTooLong(Exception):
    def __init__(self, what: str, timeout_s: float) -> None:
        super().__init__(f"{what} did not end within {timeout_s:.0f} s.")


class Lab:
    """One server, one login. Use it as a context, or ``close`` it."""

    def __init__(self, *, url: str, token: str, timeout_s: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_s,
            trust_env=False,  # a proxy of the environment has no business between us and our token
        )

    @classmethod
    def here(cls, settings: Settings) -> Self:
        """The one that runs on this machine, or that SCELAB_URL and SCELAB_TOKEN name.

        Raises ``NotRunning`` or ``MissingToken``.
        """
        found = read_connection(settings)
        return cls(url=found.url, token=found.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # -- recipes and launches

    def recipes(self) -> list[RecipeView]:
        return self._get(list[RecipeView], "/recipes")

    def preview(
        self, recipe: str, overrides: Params | None = None, **more: Unpack[LaunchMore]
    ) -> PreviewView:
        """What a launch would do. Takes what ``launch`` takes."""
        return self._post(PreviewView, "/runs/preview", _launch(recipe, overrides, more))

    def launch(
        self, recipe: str, overrides: Params | None = None, **more: Unpack[LaunchMore]
    ) -> LaunchedView:
        """Launch a recipe. ``more`` are fields of ``LaunchRequest``: experiment, name, seeds, tags..."""
        return self._post(LaunchedView, "/runs", _launch(recipe, overrides, more))

    # -- runs

    def runs(self, **filters: Unpack[RunFilter]) -> Page[RunView]:
        """Runs by filter: experiment_id, state, kind, q, page, size..."""
        return self._get(Page[RunView], "/runs", filters)

    def run(self, run_id: int) -> RunDetail:
        return self._get(RunDetail, f"/runs/{run_id}")

    def stop(self, run_id: int) -> RunView:
        return self._post(RunView, f"/runs/{run_id}/stop")

    def queue(self, *, size: int = 200) -> QueueView:
        """What holds devices, and what waits for them, the next first."""
        return self._get(QueueView, "/queue", {"size": size})

    def move(self, run_id: int, *, to: str, other: int | None = None) -> RunView:
        """Move a queued run: to the top or bottom, or before or after another one."""
        return self._post(RunView, f"/runs/{run_id}/move", {"to": to, "other": other})

    def resume(self, run_id: int) -> RunView:
        return self._post(RunView, f"/runs/{run_id}/resume")

    def retry(self, run_id: int) -> RunView:
        return self._post(RunView, f"/runs/{run_id}/retry")

    def other_devices(self, run_id: int, devices: int, *, nodes: int | None = None) -> SpreadView:
        """What it would change if the run went on over so many devices; nothing is done."""
        asked = {"devices": devices} if nodes is None else {"devices": devices, "nodes": nodes}
        return self._get(SpreadView, f"/runs/{run_id}/devices", asked)

    def choose_devices(self, run_id: int, devices: int, *, nodes: int | None = None) -> SpreadView:
        """Let a stopped or failed run take so many devices when it goes on."""
        return self._put(SpreadView, f"/runs/{run_id}/devices", {"devices": devices, "nodes": nodes})

    def test(self, run_id: int, *, which: str = "best") -> LaunchedView:
        """Score the classifiers of a linear probe or a fine-tuning again: ``best``, ``last`` or ``both``."""
        return self._post(LaunchedView, f"/runs/{run_id}/test", {"which": which})

    def logs(self, run_id: int, **part: Unpack[LogPart]) -> LogView:
        """Output: ``first_line``, ``num_lines``, ``search``."""
        return self._get(LogView, f"/runs/{run_id}/logs", part)

    def wait(
        self,
        run_id: int,
        *,
        timeout_s: float = 24 * 3600.0,
        every_s: float = 1.0,
        on_look: Callable[[RunDetail], None] | None = None,
    ) -> RunDetail:
        """The run once it ended, well or not. Raises ``TookTooLong``."""
        gives_up_at = time.monotonic() + timeout_s
        while (run := self.run(run_id)).state not in ENDED:
            if on_look is not None:
                on_look(run)
            if time.monotonic() > gives_up_at:
                raise TookTooLong(f"Run {run_id} ({run.name})", timeout_s)
            time.sleep(every_s)
        return run

    # -- what came out

    def series(self, run_id: int) -> list[SeriesSummary]:
        return self._get(list[SeriesSummary], f"/runs/{run_id}/metrics")

    def metrics(self, runs: list[int], keys: list[str], **part: Unpack[MetricsPart]) -> MetricsView:
        return self._get(MetricsView, "/metrics", {"run": runs, "key": keys, **part})

    def checkpoints(self, **filters: Unpack[CheckpointFilter]) -> Page[CheckpointView]:
        return self._get(Page[CheckpointView], "/checkpoints", filters)

    def evaluate(self, checkpoint_id: int, **asked: Unpack[EvaluateAsked]) -> LaunchedView:
        """Evaluate a checkpoint: ``recipe``, or ``protocol``; ``data``, ``overrides``."""
        return self._post(LaunchedView, f"/checkpoints/{checkpoint_id}/evaluate", asked)

    def inspect(self, path: str, **asked: Unpack[ForeignFile]) -> InspectionView:
        """How a file's names match a trunk's: ``trunk``, ``naming``, ``prefix``, ``branch`` say what is known."""
        return self._post(InspectionView, "/imports/inspect", {"path": path, **asked}, timeout_s=READS_FOR_S)

    def take_over(self, path: str, **asked: Unpack[ForeignOrigin]) -> CheckpointView:
        """Import a trunk: as ``inspect``, and ``name``, ``experiment``, ``recipe``, ``origin``."""
        return self._post(CheckpointView, "/imports", {"path": path, **asked}, timeout_s=READS_FOR_S)

    def export(self, checkpoint_id: int, layout: str, to: Path) -> int:
        """Write a trunk in another's layout; gives its bytes."""
        asked = {"layout": layout}
        return self._download(f"/checkpoints/{checkpoint_id}/export", asked, to)

    def card(self, checkpoint_id: int, to: Path, *, as_json: bool = False) -> int:
        """Write a trunk's card, as Markdown or JSON."""
        return self._download(f"/checkpoints/{checkpoint_id}/card{'' if as_json else '.md'}", {}, to)

    def evaluations(self, run_id: int) -> EvaluationsView:
        return self._get(EvaluationsView, f"/runs/{run_id}/evaluations")

    def retrieval(self, run_id: int) -> RetrievalView:
        return self._get(RetrievalView, f"/runs/{run_id}/retrieval")

    def own_results(self, experiment_id: int | None = None) -> OwnTable:
        """Our own runs as the Results page has them, of all experiments or of one."""
        return self._get(OwnTable, "/results/own", _scope(experiment_id))

    def export_own_results(
        self, to: Path, *, format: Format = "markdown", experiment_id: int | None = None
    ) -> int:
        """Write that table as CSV, LaTeX or Markdown; gives its bytes."""
        return self._download("/results/own/export", {"format": format, **_scope(experiment_id)}, to)

    # -- data sets

    def datasets(self) -> list[DatasetView]:
        return self._get(list[DatasetView], "/datasets")

    def dataset(self, dataset_id: int) -> DatasetDetail:
        return self._get(DatasetDetail, f"/datasets/{dataset_id}")

    def register_dataset(self, *, name: str, root: str, kind: str = "video") -> DatasetView:
        return self._post(DatasetView, "/datasets", {"name": name, "root": root, "kind": kind})

    def wait_for_dataset(self, dataset_id: int, *, timeout_s: float = 3600.0) -> DatasetDetail:
        """The data set once it is indexed, or could not be. Raises ``TookTooLong``."""
        gives_up_at = time.monotonic() + timeout_s
        while (dataset := self.dataset(dataset_id)).state in {"waiting", "indexing"}:
            if time.monotonic() > gives_up_at:
                raise TookTooLong(f"Indexing {dataset.name}", timeout_s)
            time.sleep(0.5)
        return dataset

    # -- SLURM

    def slurm_profiles(self) -> list[ProfileView]:
        return self._get(list[ProfileView], "/slurm/profiles")

    def check_profile(self, profile_id: int) -> ProfileView:
        """Let a tiny job look at a compute node; the profile's probe tells when it has."""
        return self._post(ProfileView, f"/slurm/profiles/{profile_id}/check")

    # -- people

    def login_link(self) -> str:
        """A link that opens one browser session, once."""
        return self.url + self._post(LoginLinkView, "/login-links").path

    def tokens(self) -> list[TokenView]:
        return self._get(list[TokenView], "/tokens")

    def create_token(self, name: str, *, scope: str, expires_in_days: int | None) -> NewTokenView:
        asked = {"name": name, "scope": scope, "expires_in_days": expires_in_days}
        return self._post(NewTokenView, "/tokens", asked)

    def revoke_token(self, token_id: int) -> None:
        self._ask("DELETE", f"/tokens/{token_id}")

    # -- the wire

    def _get(self, shape: type[T], path: str, params: Params | None = None) -> T:
        return _read(shape, self._ask("GET", path, params=params))

    def _post(
        self, shape: type[T], path: str, body: Params | None = None, *, timeout_s: float | None = None
    ) -> T:
        return _read(shape, self._ask("POST", path, json=body, timeout_s=timeout_s))

    def _put(self, shape: type[T], path: str, body: Params) -> T:
        return _read(shape, self._ask("PUT", path, json=body))

    def _download(self, path: str, params: Params, to: Path) -> int:
        content = self._ask("GET", path, params=params, timeout_s=READS_FOR_S).content
        return to.write_bytes(content)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Params | None = None,
        timeout_s: float | None = None,
    ) -> httpx.Response:
        """Raises ``Unreachable`` or ``Refused``."""
        timeout = self._http.timeout if timeout_s is None else timeout_s
        try:
            response = self._http.request(method, path, params=params, json=json, timeout=timeout)
        except httpx.TransportError as error:
            raise Unreachable(self.url) from error
        if response.is_error:
            raise Refused(_problem(response))
        return response


def _launch(recipe: str, overrides: Params | None, more: LaunchMore) -> Params:
    return {"recipe": recipe, "overrides": dict(overrides or {}), **more}


def _scope(experiment_id: int | None) -> Params:
    return {} if experiment_id is None else {"experiment_id": experiment_id}


def _read(shape: type[T], response: httpx.Response) -> T:
    """Raises ``Refused`` when it is not what this version of SCE Lab says."""
    try:
        return TypeAdapter(shape).validate_json(response.content)
    except ValidationError as error:
        words = f"{response.url} does not speak as this version of SCE Lab does: update the older of the two."
        raise Refused(Problem(title="Not understood", status=response.status_code, detail=words)) from error


def _problem(response: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:  # something else answers there
        words = f"{response.url} answered {response.status_code} {response.reason_phrase}."
        return Problem(title="Refused", status=response.status_code, detail=words)
