"""Image features on disk: whatever eyes have seen once is not run again.

A cache is a folder with an entry for each eyes (``eyes_key``), which holds shards and a card.
Images are known by the SHA-256 of their encoded bytes, so one image is kept once, whoever shows it.
Shards appear whole and never change: a kill loses what was not yet written, and several processes
may fill one cache.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from gistrec.errors import RunError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.vision.entry import Entry
from gistrec.mllm.vision.eyes import eyes_key
from gistrec.mllm.vision.features import NO_PART, ImageFeatures
from gistrec.mllm.vision.looking import NONE, ImageOf, Seen, first_of_each, image_digests, look
from gistrec.mllm.vision.shards import Shard, write_shard
from gistrec.mllm.vision.sight import Sight
from gistrec.progress import say

HELD_BYTES = 512 * 2**20  # a catalogue's features are held in memory up to this, else mapped
_SHARD_IMAGES, _SHARD_BYTES, _SHARD_SECONDS = 512, 64 * 2**20, 20.0


def users_cache() -> Path:
    """Where features of named backbones are kept: $GISTREC_CACHE, or a folder of the user's."""
    named = os.environ.get("GISTREC_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "gistrec" / "vision"


class VisionCache:
    """Features by eyes and image, in a folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is made before it is needed."""
        self.folder = folder

    def entries(self) -> list[Entry]:
        """One entry for each eyes, the latest used first."""
        folders = self.folder.iterdir() if self.folder.is_dir() else ()
        found = [entry for entry in map(Entry.found, folders) if entry is not None]
        return sorted(found, key=lambda entry: entry.last_used, reverse=True)

    def see(
        self,
        backbone: Backbone,
        name: str,
        n_items: int,
        image_of: ImageOf,
        encoded_of: ImageOf | None = None,
    ) -> Sight:
        """Features of a catalogue's images; only those that are not there yet are looked at.

        Args:
            backbone: whose eyes.
            name: what people call the backbone.
            n_items: size of the catalogue.
            image_of: an item's encoded image, or None where it has none that can be used.
            encoded_of: the same without a check whether it can be used, so quicker.

        Raises:
            DataError: an image cannot be decoded, or is not one that the model can take.
            RunError: the cache was cleared or damaged meanwhile.
        """
        digests = image_digests(n_items, encoded_of or image_of)
        entry = Entry.of(self.folder, eyes_key(backbone), name)
        with entry.filling():
            first = first_of_each(digests)
            known = {digest for shard in entry.sound_shards(first) for digest in shard.digests}
            missing = {digest: code for digest, code in first.items() if digest not in known}
            seen = _fill(entry, backbone, list(missing.values()), image_of, digests)
        unusable = {digest for digest, code in missing.items() if code not in seen}
        digests = [NONE if digest in unusable else digest for digest in digests]
        features = self.open(entry.eyes, digests)
        if features is None:
            raise RunError(f"{entry.folder} was changed meanwhile: give the command again")
        sight = Sight(entry.eyes, digests, features, sum(digest in known for digest in digests))
        say(f"images: {sight}")
        return sight

    def open(
        self, eyes: str, digests: Sequence[bytes], held_bytes: int = HELD_BYTES
    ) -> ImageFeatures | None:
        """Features of images that were seen before; None if one of them is not there.

        Args:
            eyes: key of the eyes that saw them.
            digests: of each item's encoded image; NONE without one.
            held_bytes: up to this the features are read into memory, above they are mapped.
        """
        entry = Entry.of(self.folder, eyes, "")
        # A damaged shard is as good as none: its images are looked at again.
        sound = [shard for shard in entry.shards() if shard.is_sound]
        features = assembled(sound, digests, held_bytes)
        entry.touch()
        return features


def assembled(
    shards: Sequence[Shard], digests: Sequence[bytes], held_bytes: int
) -> ImageFeatures | None:
    """Features of items from shards that hold their images, among others; None if one lacks."""
    wanted = set(digests) - {NONE}
    places: dict[bytes, tuple[int, int, int, int]] = {}  # part, start, rows, columns
    parts: list[torch.Tensor] = []
    for shard in shards:
        chosen = [
            place
            for place, digest in enumerate(shard.digests)
            if digest in wanted and digest not in places
        ]
        if not chosen:
            continue
        sizes = shard.grids.prod(axis=1)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        for place, start, (rows, columns) in zip(
            chosen, starts[chosen].tolist(), shard.grids[chosen].tolist(), strict=True
        ):
            places[shard.digests[place]] = (len(parts), start, rows, columns)
        parts.append(shard.tokens)
    if len(places) < len(wanted):
        return None
    found = np.array(
        [places[digest] if digest != NONE else (NO_PART, 0, 0, 0) for digest in digests],
        dtype=np.int64,
    ).reshape(-1, 4)
    features = ImageFeatures(tuple(parts), found[:, 0], found[:, 1], found[:, 2:])
    return features.gathered() if features.nbytes <= held_bytes else features


def _fill(
    entry: Entry,
    backbone: Backbone,
    codes: Sequence[int],
    image_of: ImageOf,
    digests: Sequence[bytes],
) -> set[int]:
    """Look at items' images, write them shard by shard, and say which items have one."""
    done: set[int] = set()
    waiting: list[Seen] = []
    written = time.monotonic()

    def write() -> None:
        nonlocal written
        if waiting:
            write_shard(
                entry.folder,
                entry.eyes,
                [digests[one.code] for one in waiting],
                [one.grid for one in waiting],
                [one.features for one in waiting],
            )
            done.update(one.code for one in waiting)
            waiting.clear()
        written = time.monotonic()

    try:
        for window in look(backbone, codes, image_of):
            waiting += window
            size = sum(one.features.nbytes for one in waiting)
            slow = time.monotonic() - written > _SHARD_SECONDS
            if len(waiting) >= _SHARD_IMAGES or size >= _SHARD_BYTES or slow:
                write()
    finally:
        write()  # what was seen before an interruption or a fault stays seen
    return done
