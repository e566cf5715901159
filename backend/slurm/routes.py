from fastapi import APIRouter

from backend.edge import Administrator, CurrentUser, Db
from backend.slurm import reading, service
from backend.slurm.views import ProfileRequest, ProfileView, SiteView
from backend.views import Id

router = APIRouter(prefix="/api/v1/slurm", tags=["slurm"])


@router.get("/sites")
def list_sites(db: Db, user: CurrentUser) -> list[SiteView]:
    """Each SLURM that workers know: its partitions, and whether it answers."""
    return reading.site_views(db)


@router.get("/profiles")
def list_profiles(db: Db, user: CurrentUser) -> list[ProfileView]:
    """Profiles that a run may be submitted by."""
    return reading.profile_views(db, reading.offered(db))


@router.post("/profiles", status_code=201)
def create_profile(db: Db, user: Administrator, asked: ProfileRequest) -> ProfileView:
    """Make a profile. SLURM itself looks at it first, where it answers."""
    return reading.profile_views(db, [service.create_profile(db, asked, by=user)])[0]


@router.put("/profiles/{profile_id}")
def edit_profile(db: Db, user: Administrator, profile_id: Id, asked: ProfileRequest) -> ProfileView:
    """Change a profile, for what is submitted from now on."""
    return reading.profile_views(db, [service.edit_profile(db, profile_id, asked, by=user)])[0]


@router.post("/profiles/{profile_id}/check")
def check_profile(db: Db, user: Administrator, profile_id: Id) -> ProfileView:
    """Let a tiny job look whether a compute node has what runs need; its findings stay with the profile."""
    return reading.profile_views(db, [service.check_profile(db, profile_id, by=user)])[0]


@router.delete("/profiles/{profile_id}", status_code=204)
def remove_profile(db: Db, user: Administrator, profile_id: Id) -> None:
    """Offer a profile to no run any more."""
    service.remove_profile(db, profile_id, by=user)
