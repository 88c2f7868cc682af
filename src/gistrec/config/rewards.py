"""What a gist is rewarded for, when it is tuned (MMSRARec 3.3)."""

from typing import Literal

from pydantic import Field

from gistrec.config.base import StageConfig
from gistrec.config.text import SentenceEncoderKind

RewardForm = Literal["paper", "bounded"]


class RewardConfig(StageConfig):
    """Weights of the rewards. The paper gives none: these were chosen on the bazaar.

    Attributes:
        information: weight of how near the gist comes to its item's title and text (alpha).
        reconstruction: weight of how well they are foretold from the gist (beta).
        length: weight of how short it is (gamma).
        distinction: weight of how much nearer it comes to its own item's words than to the most
            alike other item's in the batch; not in the paper.
        form: `paper`, minus the perplexity and minus the number of keywords, which have no lower
            bound; `bounded`, one over the perplexity, and minus the share of the keywords allowed.
        penalty: what an answer that is no list of keywords lies below the worst that is one.
        encoder: phi, by which texts are compared.
    """

    information: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    reconstruction: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    length: float = Field(default=0.2, ge=0, allow_inf_nan=False)
    distinction: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    form: RewardForm = "bounded"
    penalty: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    encoder: SentenceEncoderKind = "auto"
