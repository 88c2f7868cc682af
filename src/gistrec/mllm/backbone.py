"""A multimodal language model with its processor, and what the rest needs to know about both."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache

from gistrec.errors import BackboneError
from gistrec.mllm.chat import read_frame
from gistrec.mllm.families.family import Family, Grid
from gistrec.mllm.families.registry import family_of
from gistrec.mllm.kernels import cpu_training_kernel
from gistrec.mllm.packing import Layout, Marks, Packed, Picture, Row, Tokens, pack
from gistrec.mllm.pieces import Pieces
from gistrec.mllm.processor import Processor
from gistrec.mllm.prompts import NO, YES, ItemImage, Segment
from gistrec.mllm.visibility import masks

Grids = Callable[[int], Grid]


@dataclass(frozen=True, eq=False)
class Past:
    """What has been run already: keys and values of its tokens, and their marks."""

    cache: DynamicCache
    marks: Marks


@dataclass(frozen=True, eq=False)
class Soft:
    """A learned vector that stands in a batch where tokens would.

    Attributes:
        vector: float [d], of the width of the language model.
        places: int64 [n, 2], (row, token) of the tokens that it stands for.
    """

    vector: torch.Tensor
    places: torch.Tensor

    def put(self, embedded: torch.Tensor) -> torch.Tensor:
        """Embeddings [b, s, d] with the vector in its places."""
        where = (self.places[:, 0], self.places[:, 1])
        every = self.vector.to(embedded.dtype).expand(len(self.places), -1)
        return embedded.index_put(where, every)


@dataclass(frozen=True, eq=False)
class Backbone:
    """A model, its processor, and the tokens that frame a question and answer yes or no.

    Attributes:
        model: with adapters injected, where there are any.
        family: how images become tokens, and where tokens stand.
        before, after: token ids that the chat template puts around a user's words, up to the first
            token of the answer.
        before_image: as ``before``, where an image comes first.
        gap: the spaces before a user's first word.
        lead: the spaces before an answer's first word.
        image: what the chat template writes for an image.
        yes_ids, no_ids: ids of the first tokens an answer yes or no may begin with.
        end_ids: tokens that end an answer; the first is the one answers are taught with.
    """

    model: PreTrainedModel
    processor: Processor
    family: Family
    before: tuple[int, ...]
    before_image: tuple[int, ...]
    after: tuple[int, ...]
    image: str
    yes_ids: tuple[int, ...]
    no_ids: tuple[int, ...]
    end_ids: tuple[int, ...]
    pieces: Pieces
    gap: str = ""
    lead: str = ""
    _text_ids: Callable[[str], tuple[int, ...]] = field(init=False, repr=False)
    _image_ids: Callable[[Grid], tuple[int, ...]] = field(init=False, repr=False)

    def __repr__(self) -> str:
        return f"Backbone({self.model.config.model_type}, {self.model.num_parameters():,})"

    def __post_init__(self) -> None:
        text = functools.lru_cache(maxsize=200_000)(self.pieces.text)
        image = functools.lru_cache(maxsize=4096)(self._encoded_image)
        object.__setattr__(self, "_text_ids", text)
        object.__setattr__(self, "_image_ids", image)

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        return next(self.model.parameters()).device

    @property
    def language(self) -> Any:
        """The language model, without its head."""
        return self.model.model.get_decoder()

    @property
    def eyes(self) -> tuple[nn.Module, ...]:
        """Vision tower and projector; never trained after the warm start."""
        return self.family.eyes

    @property
    def context(self) -> int:
        """The longest prompt that the model was made for, in tokens."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    @property
    def end_id(self) -> int:
        """The token that ends an answer."""
        return self.end_ids[0]

    @property
    def pad_id(self) -> int:
        """The token that fills a batch's ragged edge."""
        pad = self.processor.tokenizer.pad_token_id
        return self.end_id if pad is None else int(pad)

    @property
    def layout(self) -> Layout:
        """How tokens are laid out in a batch."""
        family = self.family
        return Layout(self.pad_id, family.image_token_id, family.axes, family.positions)

    def text_ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a piece of text, the same wherever it stands."""
        return self._text_ids(text)

    def image_ids(self, grid: Grid) -> tuple[int, ...]:
        """Token ids of one whole image with the marks around it."""
        return self._image_ids(grid)

    def tokens(self, segments: Sequence[Segment], grids: Grids | None = None) -> Tokens:
        """The segments' ids one after the other, without the chat's frame.

        Args:
            segments: texts and images of items.
            grids: rows and columns of an item's image tokens; needed where there is an image.

        Raises:
            ValueError: an image without ``grids``.
        """
        ids: list[int] = []
        images: list[Picture] = []
        for segment in segments:
            if isinstance(segment, ItemImage):
                if grids is None:
                    raise ValueError(f"the image of item {segment.code} has no grid")
                grid = grids(segment.code)
                ids += self.image_ids(grid)
                images.append(Picture(segment.code, *grid))
            else:
                ids += self.text_ids(segment)
        return Tokens(tuple(ids), tuple(images))

    def question(self, segments: Sequence[Segment], grids: Grids | None = None) -> Tokens:
        """The segments in the chat's frame, up to where the answer begins."""
        shown = bool(segments) and isinstance(segments[0], ItemImage)
        if shown or not segments:
            begun = Tokens(self.before_image if shown else self.before)
        else:
            begun, segments = Tokens(self.opening(str(segments[0]))), segments[1:]
        return begun + self.tokens(segments, grids) + Tokens(self.after)

    def opening(self, text: str) -> tuple[int, ...]:
        """Token ids of the chat's frame up to and with the first words in it."""
        return self.before + self.text_ids(self.gap + text)

    def answer(self, text: str) -> Tokens:
        """An answer as the model is taught to give it, with its end."""
        return Tokens((*self.text_ids(self.lead + text), self.end_id))

    def pack(self, rows: Sequence[Row]) -> Packed:
        """Rows in one batch, on the model's device."""
        return pack(rows, self.layout).to(self.device)

    def hidden(
        self,
        packed: Packed,
        features: torch.Tensor | None,
        past: Past | None = None,
        soft: Soft | None = None,
    ) -> torch.Tensor:
        """Last-layer states [b, s, d]; the one entry to the language model.

        Args:
            packed: what is run.
            features: of its images in order, [k, tokens, d]; None without images.
            past: what was run before it; its cache grows by this batch.
            soft: a learned vector in place of some tokens' own; None for none.
        """
        language, ids = self.language, packed.ids
        place = ids == self.family.image_token_id
        embeddings = self.model.get_input_embeddings()
        # Some families' image token has no embedding of its own.
        text = ids if features is None else ids.masked_fill(place, 0)
        embedded = embeddings(text)
        if soft is not None:
            embedded = soft.put(embedded)
        more: dict[str, object] = {}
        if features is not None:
            features = features.to(embedded.device, embedded.dtype)
            embedded = embedded.masked_scatter(place[..., None], features[0])
            if len(features) > 1:
                more = {"visual_pos_masks": place, "deepstack_visual_embeds": list(features[1:])}
        seen = packed.marks if past is None else past.marks.followed_by(packed.marks)
        alone = packed.causal and (past is None or not past.marks.branch.shape[1])
        positions = packed.positions[0] if self.family.axes == 1 else packed.positions
        with cpu_training_kernel(ids):
            return language(
                inputs_embeds=embedded,
                attention_mask=masks(
                    language.config,
                    packed.marks,
                    seen,
                    self.family.whole_images and bool(packed.images),
                    embedded.dtype,
                    alone,
                ),
                position_ids=positions,
                past_key_values=None if past is None else past.cache,
                use_cache=past is not None,
                **more,
            ).last_hidden_state

    def begin(self, packed: Packed, features: torch.Tensor | None) -> tuple[torch.Tensor, Past]:
        """Run a batch that others will follow: its states, and what those are to go on from."""
        nothing = packed.marks
        empty = Marks(nothing.branch[:, :0], nothing.order[:, :0], nothing.picture[:, :0])
        past = Past(DynamicCache(), empty)
        return self.hidden(packed, features, past), Past(past.cache, packed.marks)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Logits over the vocabulary, float32 [n, v] from states [n, d]."""
        return self._capped(self.head(states.to(self.head.weight.dtype)).float())

    def some_logits(self, states: torch.Tensor, ids: Sequence[int]) -> torch.Tensor:
        """Logits of the tokens ``ids`` alone, float32 [n, ids] from states [n, d]."""
        # Never in bfloat16: its few digits would make candidates tie.
        head, chosen = self.head, torch.tensor(ids, device=states.device)
        with torch.autocast(states.device.type, enabled=False):
            logits = states.float() @ head.weight[chosen].T.float()
            if head.bias is not None:
                logits = logits + head.bias[chosen].float()
            return self._capped(logits)

    @property
    def head(self) -> nn.Linear:
        """The language head."""
        head: nn.Linear = self.model.get_output_embeddings()
        return head

    def save(self, folder: Path) -> None:
        """Write model and processor where ``load_backbone`` finds them."""
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)

    def _capped(self, logits: torch.Tensor) -> torch.Tensor:
        cap = getattr(self.model.config.get_text_config(), "final_logit_softcapping", None)
        return logits if cap is None else torch.tanh(logits / cap) * cap

    def _encoded_image(self, grid: Grid) -> tuple[int, ...]:
        shown = self.image.replace(self.family.placeholder, self.family.expansion(grid))
        return self.pieces.frame(shown)


def make_backbone(
    model: PreTrainedModel,
    processor: Processor,
    max_image_tokens: int | None = None,
) -> Backbone:
    """Find the frame and the answers of a model and its processor.

    Args:
        model: the whole model.
        processor: its processor.
        max_image_tokens: of one image; a larger one is shrunk where the family can.

    Raises:
        BackboneError: no chat template, an unknown family, or yes and no are not told apart.
    """
    tokenizer = processor.tokenizer
    family = family_of(model, tokenizer, processor.image_processor, max_image_tokens)
    frame = read_frame(tokenizer, processor.chat_template, family.placeholder)
    yes_ids, no_ids = _first_ids(tokenizer, YES), _first_ids(tokenizer, NO)
    if set(yes_ids) & set(no_ids) or not yes_ids or not no_ids:
        raise BackboneError("the backbone's tokenizer does not tell 'yes' from 'no'")

    pieces = Pieces(tokenizer)
    return Backbone(
        model=model,
        processor=processor,
        family=family,
        before=pieces.start(frame.before),
        before_image=pieces.start(frame.before_image),
        after=pieces.frame(frame.after),
        image=frame.image,
        yes_ids=yes_ids,
        no_ids=no_ids,
        end_ids=_end_ids(model, tokenizer, pieces.frame(frame.end)),
        pieces=pieces,
        gap=frame.gap,
        lead=frame.lead,
    )


def _end_ids(model: PreTrainedModel, tokenizer: Any, behind: tuple[int, ...]) -> tuple[int, ...]:
    """The template's own end first, then every other token that ends an answer."""
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    found: list[int | None] = [token for token in behind[:1] if token in special]
    stated = model.generation_config.eos_token_id if model.generation_config else None
    found += stated if isinstance(stated, list) else [stated]
    found.append(tokenizer.eos_token_id)
    ends = tuple(dict.fromkeys(int(token) for token in found if token is not None))
    if not ends:
        raise BackboneError("the backbone's tokenizer has no token that ends an answer")
    return ends


def _first_ids(tokenizer: Any, word: str) -> tuple[int, ...]:
    """Ids of ``word`` as one token: with and without a leading space and a capital."""
    variants = (word, " " + word, word.capitalize(), " " + word.capitalize())
    encoded = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in variants]
    found = {ids[0] for ids in encoded if len(ids) == 1}
    known = tokenizer.get_vocab()
    # SentencePiece puts its own space before a text, so the bare word has to be looked up.
    if "\u2581" + word in known:
        found |= {known[form] for form in (word, word.capitalize()) if form in known}
    return tuple(sorted(found))
