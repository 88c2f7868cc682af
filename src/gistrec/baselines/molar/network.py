"""Molar (Luo et al. 2024, arXiv 2412.18176): items by a multimodal language model, users by theirs.

An item's vector is the last state of a learned token behind its image, title and text (the paper's
MIRM); an encoder of its own reads the vectors of a history (DUEG); the user's state is aligned with
that of an ID model, late and at the level of users. The authors' released code has no alignment and
does not start; what is taken from it is named so.

Departures from the paper:
1. The user encoder is a small causal Transformer with learned positions, not a second language
   model; a learned vector begins each history, so that the first item is guessed too.
2. Item and user encoder are tuned together for the next item on short pieces of histories, by the
   released code's loss. Then the vectors of all items are computed once and kept, and the user
   encoder is trained anew over them, which is where most of the cost is saved.
3. Of the paper's three tasks that tune the item encoder, the one on users' behaviour is this next
   item, the one on images and texts a contrast of each image with its own words. The one on
   structured attributes is left out: few catalogues here have any. The paper has answers in words.
4. Item vectors are centred and scaled by the catalogue's mean and spread, and projected to the
   user encoder's width: states of a language model share one direction, which cosines would be
   made of.
5. Inferred, since the paper leaves them open: the alignment is InfoNCE by cosine in both directions
   between the users of a batch, at one random moment of each, with the ID model frozen and its
   states projected linearly; weight and temperature are settings. It is learned beside the next
   item, not in a phase after it.
6. The token stands where the answer to the question for an item's keywords begins.
7. Negatives are all items of the training log or a shared sample of them. From the released code:
   the scale begins at 1 / 0.07 and stays within [1, 100], and negatives closer than 0.99 to the
   positive are left out.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from gistrec.config.molar import MolarConfig
from gistrec.data.sequences import PAD
from gistrec.sequence.network import INITIAL_SPREAD
from gistrec.sequence.transformer import Transformer

_SCALE = math.log(1 / 0.07)
_MOST = math.log(100.0)


class UserEncoder(nn.Module):
    """From vectors of items to states that score items by cosine.

    Letters: b histories, s positions, v width of item vectors, d own width.

    Args:
        config: sizes.
        item_width: v.
        positions: of the longest history, its beginning not counted.
    """

    def __init__(self, config: MolarConfig, item_width: int, positions: int) -> None:
        super().__init__()
        self.width = config.width
        self.project = nn.Linear(item_width, config.width)
        self.start = nn.Parameter(torch.randn(config.width) * INITIAL_SPREAD)
        self.transformer = Transformer(
            config.width, config.layers, config.heads, positions + 1, config.dropout
        )
        self.log_scale = nn.Parameter(torch.tensor(_SCALE))

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied with; a scalar in [1, 100]."""
        return self.log_scale.clamp(0.0, _MOST).exp()

    def projected(self, vectors: Tensor) -> Tensor:
        """Float [..., d] of length one, of items' vectors [..., v]."""
        return normalize(self.project(vectors), dim=-1)

    def states(self, items: Tensor, table: Tensor) -> Tensor:
        """Float [b, 1 + s, d] of length one: before each item, and after the last.

        Args:
            items: int64 [b, s], rows of ``table``; PAD on the right.
            table: float [n, d], projected.
        """
        known = table[items.clamp(min=0)].masked_fill((items == PAD)[..., None], 0.0)
        begun = self.start.expand(len(items), 1, -1)
        inputs = torch.cat([begun, known], dim=1) * self.width**0.5
        return normalize(self.transformer(inputs), dim=-1)


class Molar(nn.Module):
    """The user encoder over vectors that stay as they are, and the way from the ID model's states.

    Args:
        config: sizes.
        vectors: float32 [n_items, v], see ``molar.items``.
        id_width: of the ID model's states; 0 without one.
    """

    vectors: Tensor

    def __init__(self, config: MolarConfig, vectors: Tensor, id_width: int) -> None:
        super().__init__()
        self.register_buffer("vectors", vectors, persistent=False)
        self.users = UserEncoder(config, vectors.shape[1], config.max_length)
        self.from_ids = nn.Linear(id_width, config.width) if id_width else None

    def catalogue(self) -> Tensor:
        """Float [n_items, d] of length one."""
        return self.users.projected(self.vectors)

    def final_states(self, items: Tensor, lengths: Tensor, table: Tensor) -> Tensor:
        """Float [b, d]: the states after each history's last item; ``lengths`` may hold zeros."""
        states = self.users.states(items, table)
        return states[torch.arange(len(states), device=states.device), lengths]
