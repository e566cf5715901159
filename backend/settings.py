"""Everything that a deployment may change, read from the environment once (``SCELAB_*``)."""

import ipaddress
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from sce.definition.learning import checked_label

SECRETS = Path(os.environ.get("SCELAB_SECRETS_DIR", "/run/secrets"))


class RetryRule(BaseModel):
    """What a failure's log or sentence says, what that means, and whether trying again helps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str
    """Regular expression that is searched for."""
    label: str = ""
    """What the page says of it; empty leaves the sentence as it is."""
    retry: bool = True
    exclude_host: bool = False
    """Whether the next attempts keep off the host, or SLURM's nodes, that it failed on."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"SCELAB_RETRY_RULES: {pattern!r} is no pattern: {error}") from error
        return pattern


class Settings(BaseSettings):
    """Built once, in ``backend.main``, ``worker.app`` and the command line."""

    model_config = SettingsConfigDict(
        env_prefix="SCELAB_",
        # Passwords may come as files, one each, as containers are given them.
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        frozen=True,
        use_attribute_docstrings=True,
        extra="ignore",
    )

    home: Path = Path.home() / ".scelab"
    """Folder of everything the platform writes: database, runs, previews, broker."""
    data_roots: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders that data sets may lie under, separated by colons; HOME/data is always one."""
    database_url: str = ""
    """SQLAlchemy address; empty is SQLite in the home folder."""
    broker_url: SecretStr = SecretStr("")
    """redis://...; empty starts the embedded broker."""
    database_password: SecretStr = SecretStr("")
    """Joins an address that names none."""
    broker_password: SecretStr = SecretStr("")
    """Joins an address that names none."""
    host: str = "127.0.0.1"
    """Address that the page is served on."""
    port: int = Field(default=8265, ge=0, le=65535)
    """Port that the page is served on; 0 takes a free one."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Further host names that the page may be asked under, separated by commas."""
    admin_password: SecretStr = SecretStr("")
    """The administrator's password, at least 12 characters; needed to serve on any but the loopback address."""
    url: str = ""
    """Where a running SCE Lab answers, for the command line; empty reads it from the home folder."""
    token: SecretStr = SecretStr("")
    """API token of the command line; empty reads it from the home folder."""
    cpu_slots: int = Field(default=1, ge=1, le=256)
    """Runs that a host without GPUs carries at a time."""
    labels: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    """What a run may require of this host, as in gpu=a100,room=b; the worker adds host=NAME and gpu=MODEL."""
    preview_quota_gb: float = Field(default=2.0, gt=0)
    """Room for the small videos that pages play; the oldest go first."""
    min_free_disk_gb: float = Field(default=2.0, ge=0)
    """Room on the runs disk below which no run is started."""
    stop_grace_s: float = Field(default=60.0, ge=0)
    """Seconds that a run has to save and leave after a stop, before its processes are ended."""

    preempt_below: int | None = Field(default=None, ge=-100, le=101)
    """Running ones of a lower priority than this save, leave and are queued again when one of a higher priority
    than theirs waits; unset, nobody has to leave."""

    retry_limit: int = Field(default=4, ge=0, le=100)
    """How often a run whose host or processes failed is started again by itself, in a row and from one checkpoint."""
    retry_after_s: float = Field(default=5.0, ge=0)
    """Seconds until it is started again the first time; each further time it waits three times as long."""
    retry_rules: tuple[RetryRule, ...] = ()
    """JSON list of {"pattern", "label", "retry", "exclude_host"}: the first pattern that a failure matches counts."""

    @field_validator("data_roots", mode="before")
    @classmethod
    def _split_colons(cls, value: object) -> object:
        return [part for part in value.split(":") if part] if isinstance(value, str) else value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("labels", mode="before")
    @classmethod
    def _split_labels(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        try:
            return dict(checked_label(part).split("=", 1) for part in parts)
        except ValueError as error:
            raise ValueError(f"SCELAB_LABELS: {error}") from error

    @model_validator(mode="after")
    def _refuse_an_open_door(self) -> Self:
        password = self.admin_password.get_secret_value()
        if password and len(password) < 12:
            raise ValueError("SCELAB_ADMIN_PASSWORD must have at least 12 characters")
        if not password and not is_loopback(self.host):
            raise ValueError(
                f"Serving on {self.host} lets other machines in: "
                "set SCELAB_ADMIN_PASSWORD first, or serve on 127.0.0.1"
            )
        return self

    @cached_property
    def database(self) -> str:
        given = self.database_url or f"sqlite:///{self.home.resolve() / 'scelab.db'}"
        return with_password(given, self.database_password.get_secret_value())

    @property
    def broker(self) -> str:
        """Empty is the embedded one."""
        return with_password(self.broker_url.get_secret_value(), self.broker_password.get_secret_value())

    @cached_property
    def runs_dir(self) -> Path:
        """One folder per run, named by its number; every host of a cluster mounts it."""
        return self.home.resolve() / "runs"

    @cached_property
    def previews_dir(self) -> Path:
        return self.home.resolve() / "previews"

    @cached_property
    def views_dir(self) -> Path:
        """What the augmentation inspector shows, one folder a question."""
        return self.home.resolve() / "views"

    @cached_property
    def imports_dir(self) -> Path:
        """Where checkpoints from elsewhere are put, to be imported."""
        return self.home.resolve() / "imports"

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """Data roots, resolved; relative data set folders are looked up in them in this order."""
        return tuple(root.resolve() for root in (self.home / "data", *self.data_roots))

    def run_folder(self, run_id: int) -> Path:
        return self.runs_dir / str(run_id)


def with_password(address: str, password: str) -> str:
    """The address with the password, unless it names one or needs none."""
    scheme, separator, rest = address.partition("://")
    user, has_user, place = rest.rpartition("@")
    if not password or not separator or ":" in user or scheme.startswith("sqlite"):
        return address
    return f"{scheme}://{user}:{quote(password, safe='')}@{place if has_user else rest}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address of that name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
