"""The record: what was asked, what happened, what came out."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("scelab")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0"
