"""The API, and the pages that it is served with."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from sqlalchemy.exc import OperationalError
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from backend import __version__, pages, problems
from backend.checkpoints.routes import router as checkpoints
from backend.compute.routes import router as compute
from backend.datasets.media import Asked
from backend.datasets.routes import router as datasets
from backend.db import open_engine, open_sessions
from backend.edge import guard
from backend.errors import Away, SceLabError
from backend.evaluations.routes import router as evaluations
from backend.experiments.routes import router as experiments
from backend.guard import Guard, allowed_hosts
from backend.inspections.routes import router as inspections
from backend.limits.routes import router as limits
from backend.metrics.routes import router as metrics
from backend.migrations import bring_up
from backend.nudge import celery_publisher
from backend.openapi import describe
from backend.people.attempts import FailedLogins
from backend.people.routes import router as people
from backend.people.service import ensure_administrator
from backend.people.uses import TokenUses
from backend.results.routes import router as results
from backend.runs.logs import LogReader
from backend.runs.routes import router as runs
from backend.settings import Settings
from backend.slurm.routes import router as slurm
from backend.stream.feed import Feed
from backend.stream.routes import router as stream
from backend.trouble import usable_database

log = logging.getLogger(__name__)

ROUTERS = (
    people,
    experiments,
    runs,
    metrics,
    datasets,
    checkpoints,
    evaluations,
    results,
    compute,
    limits,
    slurm,
    inspections,
    stream,
)


def create_app_from_env() -> FastAPI:
    """What uvicorn is told to serve: ``uvicorn --factory backend.main:create_app_from_env``.

    The database is brought to this version's schema first; one of a newer version ends the process.
    """
    settings = Settings()
    try:
        _bring_up(settings)
    except SceLabError as error:
        sys.exit(f"The API cannot start. {error}")
    return create_app(settings)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API with its own engine. Nothing is opened or written before it is served or asked."""
    settings = settings or Settings()
    app = FastAPI(
        title="SCE Lab",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_live,
        middleware=[Middleware(Guard, hosts=allowed_hosts(settings))],
    )
    _equip(app, settings)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(guard)])
    app.include_router(pages.router)
    describe(app)
    return app


def _equip(app: FastAPI, settings: Settings) -> None:
    """What routes find on the application. Readers take no lock that a writer would wait for."""
    engine = open_engine(settings.database)
    app.state.settings = settings
    app.state.engine = engine
    broker = settings.broker
    publish = celery_publisher(broker) if broker else None
    app.state.sessions = open_sessions(engine, publish)
    app.state.readers = open_sessions(engine.execution_options(read_only=True), publish)
    app.state.asked_previews = Asked()
    app.state.logs = LogReader()
    app.state.token_uses = TokenUses(app.state.sessions)
    app.state.failed_logins = FailedLogins()
    app.state.feed = Feed(app.state.readers)
    app.state.static = StaticFiles(directory=pages.STATIC, check_dir=False)


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_administrator(app, settings)
    async with app.state.feed.open():
        yield
    app.state.token_uses.close()
    app.state.engine.dispose()


def _bring_up(settings: Settings) -> None:
    """Raises ``NewerSchema``, or ``Invalid`` for an address of no database."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with usable_database(settings.database):
            bring_up(settings.database)
    except Away as error:
        # The pages are served all the same, and say what is missing.
        log.error("%s", error)


def _make_administrator(app: FastAPI, settings: Settings) -> None:
    try:
        with app.state.sessions.begin() as db:
            ensure_administrator(db, settings)
    except OperationalError as error:
        # The pages are served all the same, and say what is missing.
        log.error("the database cannot be used yet: %s", error.orig)
