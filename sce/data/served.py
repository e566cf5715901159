"""Imported by the server process that readers are forked from, and by nothing else: it stays as they do."""

from sce.data.staying import stay

stay()
