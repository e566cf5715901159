"""What is asked and said of files from elsewhere."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from backend.views import Name, Request, View
from sce.definition import Branch, Naming, Sha256, Trunk


class ImportableFile(View):
    path: str
    """Relative to the imports folder."""
    bytes: int


class ImportFolder(View):
    """Where files to import may lie."""

    folder: str
    roots: list[str]
    """Data roots: files under them may be imported too."""
    files: list[ImportableFile]
    """What lies in the imports folder, the newest first."""


class ImportQuestion(Request):
    """Which trunk a file holds. Whatever is left open is found out."""

    path: Annotated[str, Field(min_length=1, max_length=1024)]
    """File, absolute or relative to the imports folder or a data root."""
    trunk: Trunk | None = None
    """Network that it should hold."""
    naming: Naming | None = None
    """Whose names it gives to the weights."""
    prefix: Annotated[str, Field(max_length=256)] | None = None
    """What stands before those names; empty for released encoders."""
    branch: Branch = "online"
    """Which of a checkpoint's trunks is meant."""


class ImportRequest(ImportQuestion):
    """Import a trunk. Refused unless every name matches."""

    sha256: Sha256 | None = None
    """Digest of the file that was looked at; another file is refused."""
    name: Name | None = None
    """Name on the pages; by default the file's."""
    experiment: Name = "imported"
    """Experiment to gather it under."""
    origin: Annotated[str, Field(max_length=500)] = ""
    """How it was trained, in your words: it stands on its card."""
    recipe: Annotated[str, Field(max_length=64)] = ""
    """Recipe that it was trained by, if you know: its clips and colours are taken, and its row is compared."""
    num_frames: PositiveInt = 8
    """Frames of a clip that it learned from (video only)."""
    clip_s: PositiveFloat = 2.56
    """Duration of such a clip, in seconds (video only)."""


class PairView(View):
    """A tensor of the file and the weight that it becomes."""

    key: str
    becomes: str
    shape: list[int]


class WrongShapeView(View):
    key: str
    shape: list[int]
    needs: list[int]


class PartView(View):
    prefix: str
    tensors: int


class MatchView(View):
    """The file's names held against the trunk's."""

    naming: Naming
    prefix: str
    is_whole: bool
    """Nothing is missing, unexpected or misshapen: it can be imported."""
    pairs: list[PairView]
    missing: list[str]
    unexpected: list[str]
    wrong_shape: list[WrongShapeView]
    head: list[str]
    """A classifier on top of the trunk, which is left behind."""
    counters: list[str]
    """Norms' counts of batches that the file leaves out; nothing computes with them."""
    elsewhere: list[PartView]
    """Other parts of the file, outside the prefix."""


class InspectionView(View):
    """A file that was looked at; nothing was taken from it yet."""

    path: str
    sha256: str
    bytes: int
    tensors: int
    container: str
    """Where in the file the weights lay; empty for a plain file of tensors."""
    is_ours: bool
    """A run of SCE Lab made it, and it says how it was trained."""
    trunk: Trunk | None
    """Network that it holds, or comes nearest to."""
    match: MatchView | None
    """None when no trunk fits at all."""
    sentence: str | None
    """Why it cannot be imported as asked; None when it can."""
