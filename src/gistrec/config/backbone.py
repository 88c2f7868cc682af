"""Which multimodal language model is used, and how the embedded one is made."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from gistrec.config.base import StageConfig

_PATCHES_A_TOKEN = 4  # a side: the pixel shuffle of the model's class


class EmbeddedConfig(StageConfig):
    """The small Idefics3 that gistrec makes itself when no other backbone is named.

    Attributes:
        width, layers, heads: of the language model.
        vision_width, vision_layers: of the vision tower.
        image_side: pixels; images are squeezed to a square of this side.
        patch: pixels; an image takes (image_side / patch / 4) squared tokens.
        vocabulary: at most so many tokens are learned from the catalogue's text; fewer than 600
            would not hold the primer's words.
        primer_drawings: captioned drawings to learn to see from.
        invented_users: invented lists to learn comparing from, new ones in every round.
        epochs: rounds over the drawings and the catalogue's own text.
        max_texts: texts of the catalogue in one round, at most.
        retold_texts: texts of the catalogue in one round, at most, that are told again from some
            of their keywords.
        keywords: keywords of a text that the warm start asks for.
        telling: which words of a text these are: those that split the `texts` of the catalogue
            best, or those that bring the choices of one user of the training `log` together.
        sentences: drawings and texts that one round tells in a sentence, and sentences joined.
        tastes: invented users in one round whose preference is brought up to date, and as many who
            are told by it.
        pictured: share of the latter whose candidates are shown by a drawing and told by a text,
            rather than told by keywords.
    """

    width: int = Field(default=128, ge=16)
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=4, ge=1)
    vision_width: int = Field(default=96, ge=16)
    vision_layers: int = Field(default=2, ge=1)
    image_side: int = Field(default=64, ge=16)
    patch: int = Field(default=8, ge=4)
    vocabulary: int = Field(default=4000, ge=600)
    primer_drawings: int = Field(default=4000, ge=0)
    invented_users: int = Field(default=2500, ge=0)
    epochs: int = Field(default=5, ge=1)
    max_texts: int = Field(default=6000, ge=1)
    retold_texts: int = Field(default=2000, ge=0)
    batch_size: int = Field(default=32, ge=1)
    learning_rate: float = Field(default=1.5e-3, gt=0)
    keywords: int = Field(default=6, ge=1)
    telling: Literal["texts", "log"] = "texts"
    sentences: int = Field(default=0, ge=0)
    tastes: int = Field(default=0, ge=0)
    pictured: float = Field(default=0.7, ge=0, le=1)
    seed: int = 0

    @model_validator(mode="after")
    def _parts_fit(self) -> "EmbeddedConfig":
        for name, width in (("width", self.width), ("vision_width", self.vision_width)):
            if width % (2 * self.heads):
                raise ValueError(f"{name} ({width}) must be a multiple of 2 x heads ({self.heads})")
        patches = self.image_side // self.patch
        if patches == 0 or patches % _PATCHES_A_TOKEN:
            raise ValueError(
                f"image_side / patch ({self.image_side} / {self.patch}) must be a multiple of "
                f"{_PATCHES_A_TOKEN}: so many patches a side make one token"
            )
        return self


class BackboneConfig(StageConfig):
    """The backbone stage.

    Attributes:
        model: `embedded`, a folder written by save_pretrained, or a hub id.
        revision: a branch, tag or commit of a hub id.
        adapter: a LoRA adapter to put on the model, a folder or a hub id.
        dtype: of the weights; `auto` is float32 on CPU and MPS, the checkpoint's own on CUDA.
        device: `auto` is CUDA, else MPS, else the CPU.
        attention: the kernel; `auto` is sdpa, on CUDA whichever of sdpa and flex a measurement
            finds faster.
        quantize: 8-bit or 4-bit weights by bitsandbytes, on CUDA.
        max_image_tokens: a larger image is shrunk to so many tokens, in families whose images take
            as many as their size asks for.
        vision_cache: folder for image features of a named backbone; by default $GISTREC_CACHE, else
            ~/.cache/gistrec/vision. Those of the embedded one stay in the run.
        embedded: how the embedded one is made.
    """

    model: str = "embedded"
    revision: str | None = None
    adapter: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    attention: Literal["auto", "sdpa", "eager", "flex"] = "auto"
    quantize: Literal["none", "int8", "int4"] = "none"
    max_image_tokens: int | None = Field(default=None, ge=1)
    vision_cache: Path | None = None
    embedded: EmbeddedConfig = EmbeddedConfig()

    def deciding(self) -> "BackboneConfig":
        """Itself with everything at its default that changes no result."""
        return self.model_copy(update={"vision_cache": None})
