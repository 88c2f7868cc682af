"""One eyes' part of a vision cache: a folder of shards with a card that says whose they are."""

import fcntl
import os
import shutil
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path

from gistrec.files import read_json, write_json
from gistrec.mllm.vision.shards import DamagedShardError, Shard, read_shard
from gistrec.progress import say

_CARD, _LOCK, _SHARDS = "eyes.json", ".lock", "*.safetensors"
_KEY_DIGITS = 32  # of the key, in a folder's name; the card holds all
_MIB = 2**20


@dataclass(frozen=True)
class Entry:
    """What one backbone's eyes have seen.

    Attributes:
        folder: of the shards.
        eyes: key of the eyes.
        backbone: what people call the backbone whose eyes they are.
    """

    folder: Path
    eyes: str
    backbone: str

    @classmethod
    def of(cls, cache: Path, eyes: str, backbone: str) -> "Entry":
        """The entry of these eyes in a cache's folder, there or not."""
        return cls(cache / eyes[:_KEY_DIGITS], eyes, backbone)

    @classmethod
    def found(cls, folder: Path) -> "Entry | None":
        """The entry in a folder, None where it is none."""
        try:
            card = read_json(folder / _CARD)
            return cls(folder, str(card["eyes"]), str(card["backbone"]))
        except (OSError, UnicodeDecodeError, JSONDecodeError, KeyError, TypeError):
            return None

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Make the folder, and keep others from clearing it away while shards are added."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("a") as lock:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Nobody else is at work here, so these are what a kill left half written.
                for aside in self.folder.glob(f".{_SHARDS}.*"):
                    aside.unlink(missing_ok=True)
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not (self.folder / _CARD).exists():
                write_json(self.folder / _CARD, {"eyes": self.eyes, "backbone": self.backbone})
            self.touch()
            yield

    def shards(self) -> list[Shard]:
        """Every shard that can be read; what they hold is not checked."""
        return [shard for shard, _ in self._read()]

    def sound_shards(self, wanted: Container[bytes]) -> list[Shard]:
        """Every shard, those with a wanted image checked in full; a damaged one is taken away."""
        sound = []
        for shard, stat in self._read(mend=True):
            if any(digest in wanted for digest in shard.digests) and not shard.is_sound:
                _take_away(shard.path, stat, "its features are not what was written")
            else:
                sound.append(shard)
        return sound

    @property
    def images(self) -> int:
        """How many images it holds."""
        return len({digest for shard in self.shards() for digest in shard.digests})

    @property
    def mib(self) -> float:
        """Size on disk."""
        return sum(path.stat().st_size for path in self.folder.glob(_SHARDS)) / _MIB

    @property
    def last_used(self) -> float:
        """When something was last read from it or added to it, in seconds since 1970."""
        return (self.folder / _CARD).stat().st_mtime

    def touch(self) -> None:
        """Note that it is used now."""
        with suppress(OSError):  # another's cache may be there to be read alone
            os.utime(self.folder / _CARD, (time.time(), time.time()))

    def clear(self) -> bool:
        """Delete it, unless a process is adding to it."""
        with (self.folder / _LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            shutil.rmtree(self.folder)
        return True

    def _read(self, mend: bool = False) -> Iterator[tuple[Shard, os.stat_result]]:
        for path in sorted(self.folder.glob(_SHARDS)):
            try:
                stat = path.stat()
                yield read_shard(path, self.eyes), stat
            except FileNotFoundError:
                continue  # another process took it away
            except DamagedShardError as error:
                if mend:
                    _take_away(path, stat, str(error))


def _take_away(path: Path, stat: os.stat_result, why: str) -> None:
    say(f"{path} is damaged ({why}): its images are looked at again")
    with suppress(FileNotFoundError):
        now = path.stat()
        if (now.st_ino, now.st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns):  # not yet mended
            path.unlink()
