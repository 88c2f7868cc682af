"""What every stage of a run is given: the folder, the configuration, the data."""

from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path

from gistrec.config.system import SystemConfig
from gistrec.data.dataset import Dataset
from gistrec.errors import RunError
from gistrec.files import read_json, write_json
from gistrec.mllm.prompts import Nouns

DATA_FILE = "dataset.json"


@dataclass(frozen=True)
class Workplace:
    """One run at work."""

    run: Path
    config: SystemConfig
    dataset: Dataset

    @property
    def nouns(self) -> Nouns:
        """The dataset's words for prompts."""
        return Nouns(self.dataset.card.item_noun, self.dataset.card.verb)

    @property
    def titles(self) -> list[str]:
        """Every item's title, in catalogue order."""
        return [self.dataset.title(code) for code in range(self.dataset.n_items)]

    @property
    def texts(self) -> list[str]:
        """Every item's text, in catalogue order."""
        return [self.dataset.text(code) for code in range(self.dataset.n_items)]


def note_dataset(run: Path, dataset: Path) -> None:
    """Write into a run which dataset it is of."""
    write_json(run / DATA_FILE, {"folder": str(dataset.resolve())})


def noted_dataset(run: Path) -> Path:
    """The folder of the dataset that a run is of.

    Raises:
        RunError: the run does not say so.
    """
    try:
        return Path(read_json(run / DATA_FILE)["folder"])
    except (OSError, UnicodeDecodeError, JSONDecodeError, KeyError, TypeError) as error:
        message = f"{run / DATA_FILE} is absent or damaged: give the `gistrec run` command again"
        raise RunError(message) from error
