"""The backbone as an encoder of items: one vector each, the state of a learned token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gistrec.mllm import prompts
from gistrec.mllm.backbone import Backbone, Soft
from gistrec.mllm.packing import PREFIX, Row, Tokens
from gistrec.mllm.shortening import text_segments
from gistrec.mllm.vision.features import ImageFeatures
from gistrec.progress import track

Floats = npt.NDArray[np.float32]
View = Literal["whole", "image", "words"]
_BATCH_TOKENS = 16_384


@dataclass(frozen=True, eq=False)
class ItemContent:
    """What there is to be encoded: n_items titles and texts, and which images.

    Attributes:
        nouns: the dataset's words.
        titles, texts: of every item, in catalogue order; may be empty.
        features: of the items' images.
    """

    nouns: prompts.Nouns
    titles: Sequence[str]
    texts: Sequence[str]
    features: ImageFeatures

    def has_both(self, code: int) -> bool:
        """Whether an item has an image and words."""
        return code in self.features and bool(self.titles[code] or self.texts[code])


class ItemEncoder(nn.Module):
    """A backbone's model with one more token, whose last state stands for an item.

    Args:
        backbone: the model is taken as it is, with its adapter where it has one.
        content: of the catalogue.
        max_text_tokens: of an item's title and text, the question included.

    Attributes:
        token: float32 [v], learned; it begins as the mean of all tokens' embeddings.
    """

    def __init__(self, backbone: Backbone, content: ItemContent, max_text_tokens: int) -> None:
        super().__init__()
        self.model = backbone.model
        self.content = content
        self._backbone = backbone
        self._max_text_tokens = max_text_tokens
        self._tokens: dict[tuple[int, View], Tokens] = {}
        embeddings = backbone.model.get_input_embeddings().weight.detach()
        self.token = nn.Parameter(embeddings.float().mean(dim=0))

    def forward(self, codes: Sequence[int], view: View = "whole") -> Tensor:
        """Float32 [n, v], a vector of each item.

        Args:
            codes: item codes.
            view: what of them is shown; an image must be there to be shown alone.
        """
        backbone = self._backbone
        packed = backbone.pack([Row(self.tokens(code, view), ()) for code in codes])
        last = (packed.branch == PREFIX).sum(dim=1) - 1
        rows = torch.arange(len(last), device=last.device)
        soft = Soft(self.token, torch.stack([rows, last], dim=1))
        features = self.content.features.of(packed.images, backbone.device)
        states: Tensor = backbone.hidden(packed, features, soft=soft)
        return states[rows, last].float()

    def tokens(self, code: int, view: View = "whole") -> Tokens:
        """An item's prompt, with a token at its end in whose place the learned one stands."""
        if (code, view) not in self._tokens:
            backbone, content = self._backbone, self.content
            shown = code if view != "words" and code in content.features else None
            told = view != "image"
            segments = text_segments(
                lambda part: len(backbone.text_ids(part)),
                content.titles[code] if told else "",
                content.texts[code] if told else "",
                self._max_text_tokens,
                lambda title, text: prompts.item_words(content.nouns, shown, title, text, False),
            )
            asked = backbone.question(segments, content.features.grid)
            self._tokens[code, view] = asked + Tokens((backbone.end_id,))
        return self._tokens[code, view]

    @torch.no_grad()
    def vectors(self, codes: Sequence[int], label: str = "item vectors") -> Tensor:
        """Float32 [n, v] on the CPU, of any number of items; those of like length go together."""
        self.eval()
        lengths = [len(self.tokens(code).ids) for code in codes]
        batches: list[list[int]] = [[]]
        for place in sorted(range(len(codes)), key=lengths.__getitem__):
            if batches[-1] and (len(batches[-1]) + 1) * lengths[place] > _BATCH_TOKENS:
                batches.append([])
            batches[-1].append(place)
        found = torch.empty(len(codes), len(self.token))
        for batch in track(batches, label):
            found[batch] = self([codes[place] for place in batch]).cpu()
        return found
