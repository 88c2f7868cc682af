"""What a search of settings tried, what each trial came to, and what it took."""

from collections.abc import Sequence
from json import JSONDecodeError
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gistrec.errors import RunError
from gistrec.files import read_json, write_json

SEARCH_FILE = "search.json"

Scalar = bool | int | float | str | None
EndedBy = Literal["trials", "seconds", "nothing to search"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SearchTrial(_Part):
    """One setting of everything that is searched.

    Attributes:
        number: from 0; that of the system's own settings is 0.
        settings: ``stage.key`` and its value.
        value: of the metric, on validation users; None unless the trial is done.
        message: why it failed; else None.
        seconds: it took, stages that were taken over not made again.
    """

    number: int
    settings: dict[str, Scalar]
    state: Literal["done", "failed", "running"] = "running"
    value: float | None = None
    message: str | None = None
    seconds: float = 0.0


class SearchRecord(_Part):
    """A search for the settings of one system on one dataset, as ``search.json`` has it.

    Attributes:
        system: the preset.
        dataset: the dataset's name.
        metric: what the search is for.
        protocol: what each positive was ranked among.
        users: validation users that were asked; 0 before the first trial is done.
        seed: of the settings drawn.
        searched: ``stage.key`` of each setting.
        most_trials: the budget.
        most_seconds: no trial began after so many; None for no end.
        ended_by: which bound ended it; None while it goes on.
        trials: in their order.
        mark: stands for all that decides what a trial comes to; another one is another search.
    """

    system: str
    dataset: str
    metric: str
    protocol: str
    users: int = 0
    seed: int
    searched: tuple[str, ...]
    most_trials: int
    most_seconds: float | None
    ended_by: EndedBy | None = None
    trials: tuple[SearchTrial, ...] = ()
    mark: str

    @property
    def ended(self) -> tuple[SearchTrial, ...]:
        """The trials that are done or failed; both count."""
        return tuple(trial for trial in self.trials if trial.state != "running")

    @property
    def failed(self) -> tuple[SearchTrial, ...]:
        """The trials that failed."""
        return tuple(trial for trial in self.trials if trial.state == "failed")

    @property
    def seconds(self) -> float:
        """All trials took."""
        return sum(trial.seconds for trial in self.trials)

    @property
    def default(self) -> float | None:
        """What the system's own settings came to; None where they failed."""
        return self.trials[0].value if self.trials else None

    @property
    def best(self) -> SearchTrial | None:
        """The first of the best trials; None where none is done."""
        done = [trial for trial in self.trials if trial.value is not None]
        return max(done, key=lambda trial: trial.value or 0.0, default=None)

    def within(self, trials: int, seconds: float | None) -> "SearchRecord":
        """What of it a budget allows, by which bound that ends, if it does."""
        spent, ended_by, kept = 0.0, None, list[SearchTrial]()
        for trial in self.ended:
            if ended_by := _ended_by(len(kept), spent, trials, seconds, self.searched):
                break
            kept.append(trial)
            spent += trial.seconds
        ended_by = ended_by or _ended_by(len(kept), spent, trials, seconds, self.searched)
        return self.model_copy(
            update={
                "trials": tuple(kept),
                "most_trials": trials,
                "most_seconds": seconds,
                "ended_by": ended_by,
            }
        )


def _ended_by(
    tried: int, spent: float, trials: int, seconds: float | None, searched: Sequence[str]
) -> EndedBy | None:
    """Which bound forbids another trial; the system's own settings are always tried."""
    if tried and not searched:
        return "nothing to search"
    if tried >= trials:
        return "trials"
    if tried and seconds is not None and spent >= seconds:
        return "seconds"
    return None


def save_search(record: SearchRecord, folder: Path) -> Path:
    """Write the record into its folder, atomically, and return the file's path."""
    write_json(folder / SEARCH_FILE, record.model_dump(mode="json"))
    return folder / SEARCH_FILE


def find_search(folder: Path) -> SearchRecord | None:
    """The record of a folder; None where no search was begun there.

    Raises:
        RunError: the record is damaged.
    """
    file = folder / SEARCH_FILE
    try:
        return SearchRecord.model_validate(read_json(file))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError, JSONDecodeError, ValidationError) as error:
        raise RunError(
            f"{file} is damaged: delete it to begin the search anew; stages that the trials "
            "finished are kept"
        ) from error
