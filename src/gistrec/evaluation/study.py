"""What a study has done so far: which of its runs stand, which failed and why, and what is left."""

from json import JSONDecodeError
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gistrec.errors import RunError
from gistrec.files import read_json, write_json

STUDY_FILE = "study.json"

State = Literal["done", "failed", "waiting", "running"]
Setting = str | int | float | bool | None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudyDataset(_Part):
    """A dataset of the study: its name there, and its folder."""

    name: str
    path: str


class StudyRun(_Part):
    """One system on one dataset with one seed.

    Attributes:
        system: the label that the study gives it.
        folder: of the run, from the study's folder.
        message: why it failed, in a sentence or two; else None.
        seconds: what it took until it was done or failed; None before.
        estimated_seconds: what was expected before it began.
        reused: stages that it took over from an earlier run.
    """

    dataset: str
    system: str
    seed: int
    folder: str
    state: State = "waiting"
    message: str | None = None
    seconds: float | None = None
    estimated_seconds: float | None = None
    reused: tuple[str, ...] = ()


class StudySearch(_Part):
    """A search for settings of one system on one dataset, on validation only.

    Attributes:
        folder: of the search, from the study's folder.
        best: ``stage.key`` and its value, for each setting that was searched.
    """

    dataset: str
    system: str
    folder: str
    trials: int
    seconds: float
    best: dict[str, Setting | list[Setting]]


class StudyRecord(_Part):
    """A whole study, as ``study.json`` has it; it is written anew after every run.

    Attributes:
        runs: in the order in which they are made.
        estimated_seconds: of all runs, each as expected before it began.
    """

    name: str
    title: str
    datasets: tuple[StudyDataset, ...]
    runs: tuple[StudyRun, ...]
    searches: tuple[StudySearch, ...] = ()
    estimated_seconds: float = Field(default=0.0, ge=0)

    def of(self, state: State) -> list[StudyRun]:
        """The runs in one state, in their order."""
        return [run for run in self.runs if run.state == state]

    def left(self) -> list[StudyRun]:
        """The runs that are to be made, or to be tried again."""
        return [run for run in self.runs if run.state != "done"]

    def replaced(self, entry: StudyRun) -> "StudyRecord":
        """The same with another entry for the run of that folder."""
        runs = [entry if run.folder == entry.folder else run for run in self.runs]
        return self.model_copy(update={"runs": tuple(runs)})

    def changed(self, folder: str, **changes: Any) -> "StudyRecord":
        """The same with ``changes`` in the run of ``folder``."""
        entry = next(run for run in self.runs if run.folder == folder)
        return self.replaced(entry.model_copy(update=changes))


def save_study(record: StudyRecord, study: Path) -> Path:
    """Write the record into a study's folder, atomically, and return the file's path."""
    write_json(study / STUDY_FILE, record.model_dump(mode="json"))
    return study / STUDY_FILE


def find_study(study: Path) -> StudyRecord | None:
    """The record of a study's folder; None where there is none yet.

    Raises:
        RunError: it is damaged.
    """
    return load_study(study) if (study / STUDY_FILE).exists() else None


def load_study(study: Path) -> StudyRecord:
    """Read the record of a study's folder.

    Raises:
        RunError: the folder is no study, or its record is damaged.
    """
    file = study / STUDY_FILE
    try:
        return StudyRecord.model_validate(read_json(file))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(
            f"{study} is no study: it has no {STUDY_FILE}; `gistrec study` makes one"
        ) from None
    except (OSError, UnicodeDecodeError, JSONDecodeError, ValidationError) as error:
        raise RunError(
            f"{file} is damaged: delete it and give the `gistrec study` command again; "
            "finished runs are kept"
        ) from error
