"""Where the parts of a downloaded data set were put: beside each other, or each in a folder of its own."""

from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from sce.data.entries import is_frame_folder

_MOST_PLACES = 20
_FORMS = (".mp4", ".avi", ".webm", ".mkv")


def folder_with(root: Path, pattern: str) -> Path | None:
    """The root, or a folder of it, that holds a file of that name."""
    for place in places_of(root):
        if any(place.glob(pattern)):
            return place
    return None


def places_of(root: Path, *, without: Collection[str] = ()) -> list[Path]:
    inner = (each for each in root.iterdir() if each.is_dir() and each.name not in without)
    return [root, *sorted(each for each in inner if not each.name.startswith("."))[:_MOST_PLACES]]


class Files:
    """Finds the files that an official list names: as they are, or videos re-encoded or as folders of frames."""

    def __init__(self, root: Path, classes: Collection[str]) -> None:
        self._root, self._places = root, places_of(root, without=classes)

    def find(self, path: str) -> str:
        """The path from the root; the one it would have at the root when it is not there."""
        for place in self._places:
            for form in _forms(path):
                if (
                    is_frame_folder(place / form)
                    if not PurePosixPath(form).suffix
                    else (place / form).is_file()
                ):
                    self._begin_with(place)
                    return (place / form).relative_to(self._root).as_posix()
        return (self._places[0] / path).relative_to(self._root).as_posix()

    def _begin_with(self, place: Path) -> None:
        """The next one lies where this one does, nearly always."""
        if self._places[0] != place:
            self._places.remove(place)
            self._places.insert(0, place)


def _forms(path: str) -> Iterator[str]:
    stem = path.removesuffix(PurePosixPath(path).suffix) if PurePosixPath(path).suffix in _FORMS else path
    yield path
    yield from (stem + suffix for suffix in _FORMS if stem + suffix != path)
    if stem != path:
        yield stem
