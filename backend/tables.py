"""Every table, so that the metadata is whole wherever it is needed (migrations, tests)."""

from backend.checkpoints.tables import Checkpoint
from backend.compute.tables import Device, Host, HostLoad
from backend.datasets.tables import Dataset, Item, Preparation
from backend.db import Table
from backend.experiments.tables import Experiment
from backend.limits.tables import Limit
from backend.metrics.tables import Point, Rollup, Series
from backend.people.tables import ApiToken, BrowserSession, Deed, LoginLink, User
from backend.runs.tables import Attempt, Run
from backend.slurm.tables import SlurmJob, SlurmProbe, SlurmProfile, SlurmSite
from backend.stream.tables import Change

__all__ = [
    "ApiToken",
    "Attempt",
    "BrowserSession",
    "Change",
    "Checkpoint",
    "Dataset",
    "Deed",
    "Device",
    "Experiment",
    "Host",
    "HostLoad",
    "Item",
    "Limit",
    "LoginLink",
    "Point",
    "Preparation",
    "Rollup",
    "Run",
    "Series",
    "SlurmJob",
    "SlurmProbe",
    "SlurmProfile",
    "SlurmSite",
    "Table",
    "User",
]
