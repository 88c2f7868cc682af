"""A multimodal language model with its processor, and what the rest needs to know about both."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, enable_progress_bars
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, PreTrainedModel
from transformers.processing_utils import ProcessorMixin
from transformers.utils.logging import disable_progress_bar

from gistrec.errors import BackboneError
from gistrec.mllm.packing import Tokens
from gistrec.mllm.prompts import NO, YES, ItemImage, Segment

FAMILIES = ("idefics3",)
_MARK = "gistrec marks the place"


@dataclass(frozen=True, eq=False)
class Backbone:
    """A model, its processor, and the tokens that frame a question and answer yes or no.

    Attributes:
        before, after: token ids that the chat template puts around a user's words, up to the first
            token of the answer.
        yes_ids, no_ids: ids of the first tokens an answer yes or no may begin with.
        end_id: the token that ends an answer.
    """

    model: PreTrainedModel
    processor: ProcessorMixin
    before: tuple[int, ...]
    after: tuple[int, ...]
    yes_ids: tuple[int, ...]
    no_ids: tuple[int, ...]
    end_id: int

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        return next(self.model.parameters()).device

    @property
    def pad_id(self) -> int:
        """The token that fills a batch's ragged edge."""
        pad = self.processor.tokenizer.pad_token_id
        return self.end_id if pad is None else int(pad)

    def text_ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a piece of text, the same wherever it stands."""
        return _text_ids(self, text)

    def image_ids(self) -> tuple[int, ...]:
        """Token ids of one whole image with the marks around it."""
        return _image_ids(self)

    def tokens(self, segments: Sequence[Segment]) -> Tokens:
        """The segments' ids one after the other, without the chat's frame."""
        ids: list[int] = []
        images: list[int] = []
        for segment in segments:
            if isinstance(segment, ItemImage):
                ids += self.image_ids()
                images.append(segment.code)
            else:
                ids += self.text_ids(segment)
        return Tokens(tuple(ids), tuple(images))

    def question(self, segments: Sequence[Segment]) -> Tokens:
        """The segments in the chat's frame, up to where the answer begins."""
        return Tokens(self.before) + self.tokens(segments) + Tokens(self.after)

    def answer(self, text: str) -> Tokens:
        """An answer as the model is taught to give it, with its end."""
        return Tokens((*self.text_ids(text), self.end_id))

    def pixels(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """RGB images as float32 [n, 3, side, side], one frame each."""
        batch = self.processor.image_processor(
            [[image] for image in images],
            return_tensors="pt",
            do_image_splitting=False,
            do_pad=True,
        )
        return batch["pixel_values"][:, 0]

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Image features in the language model's width: [n, tokens an image, d]."""
        found = self.model.model.get_image_features(pixels[:, None].to(self.device))
        return torch.stack(list(found.pooler_output))

    def embed(self, ids: torch.Tensor, features: torch.Tensor | None) -> torch.Tensor:
        """Input embeddings [b, s, d] of ids [b, s], image tokens filled from features [m, d]."""
        embedded = self.model.get_input_embeddings()(ids)
        if features is None:
            return embedded
        place = (ids == self.model.config.image_token_id)[..., None]
        return embedded.masked_scatter(place, features.to(embedded.dtype))

    def save(self, folder: Path) -> None:
        """Write model and processor where ``load_backbone`` finds them."""
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)


@functools.lru_cache(maxsize=200_000)
def _text_ids(backbone: Backbone, text: str) -> tuple[int, ...]:
    # A user's text may spell out an image mark or an end of turn: it stays text.
    encoded = backbone.processor.tokenizer(
        text, add_special_tokens=False, split_special_tokens=True
    )
    return tuple(encoded["input_ids"])


@functools.lru_cache(maxsize=8)
def _image_ids(backbone: Backbone) -> tuple[int, ...]:
    marks = backbone.processor.replace_image_token({"rows": [[0]], "cols": [[0]]}, 0)
    return tuple(backbone.processor.tokenizer(marks, add_special_tokens=False)["input_ids"])


def make_backbone(model: PreTrainedModel, processor: ProcessorMixin) -> Backbone:
    """Find the frame and the answers of a model and its processor.

    Raises:
        BackboneError: no chat template, an unknown family, or yes and no are not told apart.
    """
    _check_family(model.config.model_type)
    tokenizer = processor.tokenizer
    if not getattr(processor, "chat_template", None):
        raise BackboneError("the backbone has no chat template; use an instruction-tuned model")
    framed = processor.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": _MARK}]}],
        add_generation_prompt=True,
    )
    before, _, after = framed.partition(_MARK)
    yes_ids, no_ids = _first_ids(tokenizer, YES), _first_ids(tokenizer, NO)
    if set(yes_ids) & set(no_ids) or not yes_ids or not no_ids:
        raise BackboneError("the backbone's tokenizer does not tell 'yes' from 'no'")
    return Backbone(
        model=model,
        processor=processor,
        before=tuple(tokenizer(before, add_special_tokens=False)["input_ids"]),
        after=tuple(tokenizer(after, add_special_tokens=False)["input_ids"]),
        yes_ids=yes_ids,
        no_ids=no_ids,
        end_id=int(tokenizer.eos_token_id),
    )


def load_backbone(source: str | Path) -> Backbone:
    """Load a backbone from a folder or by hub id, in float32 on the best device there is.

    Raises:
        BackboneError: nothing loadable there, or a model that gistrec cannot use; says what to do.
    """
    name = str(source)
    if name.startswith(("/", ".", "~")) and not Path(name).is_dir():
        raise _unloadable(name, "there is no such folder")
    try:
        _check_family(AutoConfig.from_pretrained(name).model_type)
        processor = AutoProcessor.from_pretrained(name)
        model, found = AutoModelForImageTextToText.from_pretrained(
            name, dtype=torch.float32, output_loading_info=True
        )
    except BackboneError:
        raise
    except Exception as error:  # loaders raise whatever their parsers raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise _unloadable(name, reason) from error
    if found["missing_keys"]:
        missing = sorted(found["missing_keys"])
        raise _unloadable(name, f"{len(missing)} weights are missing, {missing[0]} for one")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return make_backbone(model.to(device).eval(), processor)


def _keep_to_downloads() -> None:
    """Of the libraries' bars leave those that a person waits for."""
    if not are_progress_bars_disabled():
        disable_progress_bar()  # transformers': its weights are read at once; the hub's go too
        enable_progress_bars()


_keep_to_downloads()


def _check_family(family: str) -> None:
    if family not in FAMILIES:
        raise BackboneError(
            f"backbone family {family!r} is not supported; supported: {', '.join(FAMILIES)} "
            "(SmolVLM and Idefics3)"
        )


def _unloadable(name: str, reason: str) -> BackboneError:
    return BackboneError(
        f"backbone {name!r} cannot be loaded: {reason.rstrip('.')}. "
        "Name a folder made by save_pretrained, a hub id (with network), or `embedded`."
    )


def _first_ids(tokenizer: object, word: str) -> tuple[int, ...]:
    """Ids of ``word`` as one token: with and without a leading space and a capital."""
    variants = (word, " " + word, word.capitalize(), " " + word.capitalize())
    encoded = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in variants]  # type: ignore[operator]
    return tuple(sorted({ids[0] for ids in encoded if len(ids) == 1}))
