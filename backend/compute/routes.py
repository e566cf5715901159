from fastapi import APIRouter

from backend.compute import loads, reading, service
from backend.compute.views import HealthView, HostEdit, HostLoadView, HostView, StorageView
from backend.db import now
from backend.edge import Administrator, Config, CurrentUser, Db
from backend.views import Id

router = APIRouter(prefix="/api/v1", tags=["compute"])


@router.get("/hosts")
def list_hosts(db: Db, user: CurrentUser) -> list[HostView]:
    """Hosts, their devices and what runs on them."""
    return reading.host_views(db, service.list_hosts(db))


@router.get("/hosts/loads")
def list_loads(db: Db, user: CurrentUser) -> list[HostLoadView]:
    """How busy each host was in the last hour."""
    return loads.load_views(db, service.list_hosts(db), at=now())


@router.patch("/hosts/{host_id}")
def edit_host(db: Db, user: Administrator, host_id: Id, asked: HostEdit) -> HostView:
    """Drain a host, or let it take runs again."""
    host = service.edit_host(db, host_id=host_id, enabled=asked.enabled, by=user)
    return reading.host_views(db, [host])[0]


@router.get("/storage")
def read_storage(db: Db, config: Config, user: CurrentUser) -> StorageView:
    """What takes how much room."""
    return reading.storage(db, config)


@router.get("/health")
def read_health(db: Db, config: Config) -> HealthView:
    """Whether the parts answer. Open to everyone."""
    return reading.health(db, config)
