"""HM4SR: a hierarchical time-aware mixture of experts (WWW 2025, arXiv 2501.14269).

Departures from the paper and, where said, from the authors' code:

1. Temporal experts are trained and saved. In the authors' code they stand in a plain list, so that
   no optimiser and no checkpoint knows them; `temporal_experts: as-released` leaves them at their
   initial values, but saves them, so that a ranker read from a folder is the one that was judged.
2. Every position of a window is guessed from those before it; the authors make an example of each
   prefix. Both contrasts are made between at most `contrasted` positions of a batch.
3. A marker begins each history, so that a user of whom nothing is known gets scores. It has no
   time, text or image.
4. Encoders are those of the other baselines here: norms before the sub-layers, a norm behind the
   last, no dropout inside attention. So are the optimiser (AdamW), the schedule, the clipping.
5. Pairs that are no negatives (the same next item; in the contrast of copies also the same window)
   are left out. The authors' code sets their similarity to 0, which leaves them in.
6. A time is never before the one that precedes it, and padding has none: in the authors' code the
   times of padding make differences negative.
7. Items of no training interaction are left out of histories. Their id vector is the mean of the
   others', their text and image speak for them. The authors train on a softmax in which such items
   compete; here they do not.
8. Text vectors are MiniLM's or LSA's, not BERT's; image vectors those of the run's backbone, not
   ViT's. An item without one has a learned vector in its place.
9. Without categories there is no loss on them; without times (positions in place of timestamps)
   neither temporal experts nor placeholders.

Inferred, as the paper leaves it open: the unit of absolute time (the training log's duration is set
to 365); intervals in the timestamps' own unit; that the first item of a window has the interval 0;
image vectors centred and brought to length one; the spread of initial weights (0.02; of temporal
experts 0.1, as in the authors' code); weights of the four losses (1 each). Categories are guessed
from items' vectors before both mixtures of experts, as in the authors' code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gistrec.baselines.hm4sr.align import MODALITIES, AlignExperts
from gistrec.baselines.hm4sr.batch import Batch
from gistrec.baselines.hm4sr.clock import Clock
from gistrec.baselines.hm4sr.encoder import Encoder
from gistrec.baselines.hm4sr.projected import Projected
from gistrec.baselines.hm4sr.temporal import TemporalExperts, TimeEmbedding
from gistrec.baselines.hm4sr.vectors import ItemVectors
from gistrec.config.hm4sr import Hm4srConfig
from gistrec.data.sequences import PAD
from gistrec.sequence.network import INITIAL_SPREAD


@dataclass(frozen=True, eq=False)
class Mixed:
    """What both mixtures of experts make of histories.

    Attributes:
        x: float [b, s, 3, d].
        time: float [b, s, 2 d]; None without a clock.
    """

    x: Tensor
    time: Tensor | None


class Hm4sr(nn.Module):
    """Three modalities of items, two mixtures of experts, three encoders.

    Letters: b histories, s places with the marker's, d width of one modality.

    Attributes:
        table: [n_items + 1, d], the ids; the last row is the marker.
        clock: how times are read; None where there are none.
    """

    def __init__(self, config: Hm4srConfig, vectors: ItemVectors, clock: Clock | None) -> None:
        super().__init__()
        width, n_items = config.width, len(vectors.text)
        self.n_items, self.clock = n_items, clock
        self.table = nn.Embedding(n_items + 1, width)
        self.positions = nn.Embedding(config.max_length + 1, width)
        for embedding in (self.table, self.positions):
            nn.init.normal_(embedding.weight, std=INITIAL_SPREAD)
        self.text = Projected(vectors.text, width)
        self.image = Projected(vectors.image, width)
        self.align = AlignExperts(width, config.experts)
        self.encoders = nn.ModuleList(
            Encoder(width, config.layers, config.heads, config.dropout) for _ in range(MODALITIES)
        )
        self.time: TimeEmbedding | None = None
        if clock is not None:
            self.time = TimeEmbedding(width, clock.buckets)
            trained = config.temporal_experts == "fixed"
            self.temporal = TemporalExperts(width, config.experts, trained)
            self.placeholders = nn.Linear(2 * width, (MODALITIES - 1) * width)
        self.categories: nn.Linear | None = None
        if vectors.n_categories:
            self.categories = nn.Linear(MODALITIES * width, vectors.n_categories)

    def catalogue(self) -> Tensor:
        """Float [n_items + 1, 3, d], what items are told by and scored with."""
        return torch.stack([self.table.weight, self.text(), self.image()], dim=1)

    def mixed(self, batch: Batch, catalogue: Tensor) -> Mixed:
        """Histories through both mixtures of experts."""
        codes = torch.where(batch.items == PAD, self.n_items, batch.items)
        places = self.positions.weight[: codes.shape[1], None]
        x = self.align(catalogue[codes] + places)
        if self.time is None:
            return Mixed(x, None)
        time = self.time(batch)
        return Mixed(self.temporal(x, time), time)

    def states(self, mixed: Mixed) -> Tensor:
        """Float [b, s, 3, d], each made from its own and earlier places."""
        parts = [encoder(mixed.x[:, :, m]) for m, encoder in enumerate(self.encoders)]
        return torch.stack(parts, dim=2)

    def copied_states(self, mixed: Mixed, hidden: Tensor) -> Tensor:
        """Float [b, s, 2, d], text's and image's where ``hidden`` (bool [b, s]) items are times.

        Raises:
            ValueError: there are no times.
        """
        if mixed.time is None:
            raise ValueError("placeholders are made of times, and there are none")
        b, s, _, d = mixed.x.shape
        placeholders = self.placeholders(mixed.time).view(b, s, MODALITIES - 1, d)
        x = torch.where(hidden[:, :, None, None], placeholders, mixed.x[:, :, 1:])
        parts = [encoder(x[:, :, m]) for m, encoder in enumerate(self.encoders[1:])]
        return torch.stack(parts, dim=2)

    def final_states(self, batch: Batch, catalogue: Tensor) -> Tensor:
        """Float [b, 3 d]: the state at the last item of each history."""
        states = self.states(self.mixed(batch, catalogue)).flatten(2)
        return states[torch.arange(len(states), device=states.device), batch.lengths]

    @torch.no_grad()
    def embed_unknown(self, known: Tensor) -> None:
        """Give items that ``known`` (bool [n_items]) does not mark the mean id vector."""
        ids = self.table.weight[: self.n_items]
        ids[~known] = ids[known].mean(dim=0)
