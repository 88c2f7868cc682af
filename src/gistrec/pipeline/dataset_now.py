"""What stands for a run's dataset as it is now, told without opening the dataset.

A run notes the fingerprint of what it sees and how the files looked then. While they look the same,
the note holds; else they are read once through, which takes as long as the disk needs for it.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from gistrec import schema
from gistrec.config.dataset import DatasetConfig
from gistrec.data.card import read_card
from gistrec.data.checks import fingerprint_of_files, fingerprint_of_view
from gistrec.data.dataset import Dataset
from gistrec.errors import RunError
from gistrec.files import read_json, write_json
from gistrec.pipeline.workplace import DATA_FILE, noted_dataset

_FILES = (schema.ITEMS_FILE, schema.INTERACTIONS_FILE, schema.DATASET_FILE)


class _Note(BaseModel):
    """What a run notes of its dataset.

    Attributes:
        folder: where it lies.
        fingerprint: of what the run sees of it.
        view: which part that is.
        files: size (bytes), and times of the last change of content and of anything (ns), by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    fingerprint: str
    view: DatasetConfig
    files: dict[str, tuple[int, int, int]]


def note_opened(run: Path, dataset: Dataset, view: DatasetConfig) -> None:
    """Write into a run which dataset it is of, and as what it was opened."""
    folder = dataset.folder.resolve()
    note = _Note(
        folder=str(folder), fingerprint=dataset.fingerprint, view=view, files=_looks(folder)
    )
    write_json(run / DATA_FILE, note.model_dump(mode="json"))


def dataset_now(run: Path, view: DatasetConfig) -> str | None:
    """The fingerprint that a run's dataset has now, as ``view`` shows it; None where it is gone."""
    try:
        folder, note = noted_dataset(run), _note_of(run)
        known = note is not None and note.view == view
        gone = not (folder / schema.ITEMS_FILE).is_file()
        if note is not None and known and (gone or _looks(folder) == note.files):
            return note.fingerprint
        if gone:
            return None
        card, _, _ = read_card(folder)
        content = fingerprint_of_files(folder, card)
    except (OSError, RunError):
        return None
    return fingerprint_of_view(content, view)


def _note_of(run: Path) -> _Note | None:
    try:
        return _Note.model_validate(read_json(run / DATA_FILE))
    except ValidationError:
        return None  # an earlier gistrec noted the folder alone


def _looks(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = ((name, folder / name) for name in _FILES)
    stats = ((name, path.stat()) for name, path in found if path.is_file())
    return {name: (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for name, stat in stats}
