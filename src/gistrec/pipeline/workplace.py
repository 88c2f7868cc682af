"""What every stage of a run is given: the folder, the configuration, the data."""

from dataclasses import dataclass
from pathlib import Path

from gistrec.config.system import SystemConfig
from gistrec.data.dataset import Dataset
from gistrec.mllm.prompts import Nouns


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
