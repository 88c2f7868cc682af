"""Where the data sets of a study lie: somebody's folders, or bazaars that the study makes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gistrec import schema
from gistrec.config.bazaar import BazaarConfig
from gistrec.config.load import load_config, save_config
from gistrec.config.study import StudyConfig, StudyData
from gistrec.data.bazaar.make import write_bazaar
from gistrec.errors import ConfigError, DataError
from gistrec.progress import say

_DATA = "data"


@dataclass(frozen=True)
class StudyPlace:
    """A dataset of a study, and where it lies.

    Attributes:
        bazaar: how the study makes it there; None where it is somebody's own.
        settings: of every run on it.
    """

    name: str
    folder: Path
    bazaar: BazaarConfig | None
    settings: tuple[str, ...] = ()

    def make(self) -> None:
        """Make the bazaar, unless just this one stands there.

        Raises:
            DataError: its folder holds something else.
        """
        if self.bazaar is None:
            return
        note = self.folder.with_name(f"{self.folder.name}.yaml")  # written last
        if note.is_file() and (self.folder / schema.DATASET_FILE).is_file():
            try:
                if load_config(BazaarConfig, file=note) == self.bazaar:
                    return
            except ConfigError:  # an earlier gistrec's: made anew
                pass
        say(f"{self.name}: a bazaar in {self.folder}")
        note.unlink(missing_ok=True)
        write_bazaar(self.folder, self.bazaar)
        save_config(self.bazaar, note)


def parse_datasets(text: str) -> dict[str, Path]:
    """``name=path`` with commas between them.

    Raises:
        ConfigError: something else stands there, or a name stands twice.
    """
    found: dict[str, Path] = {}
    for part in text.split(","):
        name, equals, path = (side.strip() for side in part.partition("="))
        if not equals or not path or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+_-]*", name):
            raise ConfigError(
                f"--datasets {text}: write name=folder with commas between them, for example "
                "microlens=datasets/microlens"
            )
        if name in found:
            raise ConfigError(f"--datasets {text}: {name} is named twice")
        found[name] = Path(path)
    return found


def study_places(
    config: StudyConfig,
    study: Path,
    paths: Mapping[str, Path],
    only: Sequence[str] | None = None,
) -> tuple[list[StudyPlace], list[str]]:
    """Where each dataset of a study lies, and those that are left out, in words.

    Args:
        config: the study's file.
        study: its folder.
        paths: folders by name: of data sets that the file names, or of others.
        only: names of those that are wanted; None for all.

    Raises:
        ConfigError: one that is wanted is unknown, or none has a folder.
        DataError: a named folder holds no dataset.
    """
    named = {data.name: data for data in config.datasets}
    given = {
        name: named.get(name, StudyData(name=name)).model_copy(
            update={"path": path, "bazaar": None}
        )
        for name, path in paths.items()
    }
    known = named | given
    _refuse_unknown(only or (), list(known))
    found, lacking = [], []
    for data in known.values():
        if only is not None and data.name not in only:
            continue
        if data.bazaar is not None:
            place = study / _DATA / data.name
            found.append(StudyPlace(data.name, place, data.bazaar, data.set))
        elif data.path is not None:
            _refuse_no_dataset(data.name, data.path)
            found.append(StudyPlace(data.name, data.path, None, data.set))
        else:
            lacking.append(data.name)
    if not found:
        wanted = ",".join(f"{name}=DIR" for name in lacking) or "NAME=DIR"
        raise ConfigError(
            f"the study {config.name} brings no data: name yours, --datasets {wanted}"
        )
    return found, [f"dataset {name}: no folder, give --datasets {name}=DIR" for name in lacking]


def _refuse_unknown(wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"--only {name}: the study has no such dataset. Known: {', '.join(known) or 'none'}"
            )


def _refuse_no_dataset(name: str, folder: Path) -> None:
    if not (folder / schema.ITEMS_FILE).is_file():
        raise DataError(
            f"{name}={folder}: no dataset, for it has no {schema.ITEMS_FILE}; "
            "`gistrec data import` makes one"
        )
