"""Which multimodal language model is used, and how the embedded one is made."""

from pydantic import Field

from gistrec.config.base import StageConfig


class EmbeddedConfig(StageConfig):
    """The small Idefics3 that gistrec makes itself when no other backbone is named."""

    width: int = Field(128, ge=16, description="hidden size of the language model")
    layers: int = Field(4, ge=1)
    heads: int = Field(4, ge=1)
    vision_width: int = Field(96, ge=16)
    vision_layers: int = Field(3, ge=1)
    image_side: int = Field(64, ge=16, description="pixels; images are squeezed to a square")
    patch: int = Field(8, ge=4, description="pixels; an image takes (side / patch / 4)^2 tokens")
    vocabulary: int = Field(4000, ge=300, description="at most this many tokens")
    primer_drawings: int = Field(4000, ge=0, description="captioned drawings to learn from")
    primer_epochs: int = Field(4, ge=0)
    text_epochs: int = Field(4, ge=0, description="rounds over the catalogue's own text")
    max_texts: int = Field(6000, ge=1, description="texts of the catalogue in one round, at most")
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    keywords: int = Field(6, ge=1, description="keywords of a text that the warm start asks for")
    seed: int = 0


class BackboneConfig(StageConfig):
    """The backbone stage."""

    model: str = Field("embedded", description="`embedded`, a folder, or a hub id")
    embedded: EmbeddedConfig = EmbeddedConfig()
