"""A system: a whole run's configuration, one part a stage."""

from pydantic import model_validator

from gistrec.config.backbone import BackboneConfig
from gistrec.config.base import StageConfig
from gistrec.config.baselines import BaselinesConfig
from gistrec.config.collab import CollabConfig
from gistrec.config.dataset import DatasetConfig
from gistrec.config.evaluation import EvaluationConfig
from gistrec.config.evidence import EvidenceConfig
from gistrec.config.fusion import FusionConfig
from gistrec.config.gist import GistConfig
from gistrec.config.recommender import RecommenderConfig
from gistrec.config.split import SplitConfig
from gistrec.config.taste import TasteConfig


class SystemConfig(StageConfig):
    """Everything a run can be told.

    Attributes:
        name: how leaderboards call the system.
        recommends: whether a multimodal model recommends; without, only the baselines run.
    """

    name: str
    recommends: bool = True
    dataset: DatasetConfig = DatasetConfig()
    split: SplitConfig = SplitConfig()
    baselines: BaselinesConfig = BaselinesConfig()
    backbone: BackboneConfig = BackboneConfig()
    gist: GistConfig = GistConfig()
    taste: TasteConfig = TasteConfig()
    collab: CollabConfig = CollabConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    recommender: RecommenderConfig = RecommenderConfig()
    fusion: FusionConfig = FusionConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _something_is_told_of_a_user(self) -> "SystemConfig":
        if self.recommender.history == 0 and self.taste.kind == "none":
            raise ValueError(
                "recommender.history=0 shows nothing of a user unless a taste is told: set "
                "taste.kind=recurrent, or history to 1 or more"
            )
        return self

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the systems in which a model recommends, the one that knows most last."""
        if not self.recommends:
            return ()
        evidence = (self.with_evidence,) if self.evidence.kinds else ()
        fused = (self.fused,) if self.fusion.on else ()
        return (self.name, *evidence, *fused)

    @property
    def with_evidence(self) -> str:
        """Name of the system whose prompts hold evidence."""
        return f"{self.name}+evidence"

    @property
    def fused(self) -> str:
        """Name of the system whose logit is weighed with what the log says."""
        return f"{self.name}+fusion"
