import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gistrec.errors import DataError, RunError
from gistrec.mllm.backbone import Backbone
from gistrec.mllm.families.family import Family
from gistrec.mllm.vision import cache as module
from gistrec.mllm.vision.cache import VisionCache, users_cache
from gistrec.mllm.vision.eyes import eyes_key
from gistrec.mllm.vision.looking import NONE, image_features
from gistrec.mllm.vision.shards import DamagedShardError, read_shard
from gistrec.mllm.vision.sight import Sight, noted_images

DEVICE = torch.device("cpu")
Looks = list[int]


def dot(number: int) -> bytes:
    """An image told from all others by its colour."""
    stream = BytesIO()
    Image.new("RGB", (4, 4), (number * 7 % 256, number // 37, 99)).save(stream, "PNG")
    return stream.getvalue()


DOTS = [dot(number) for number in range(400)]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, tiny_backbone: Backbone) -> Looks:
    """How many images each run of the vision tower was given."""
    counts: Looks = []
    family = type(tiny_backbone.family)
    run = family.look

    def counted(self: Family, prepared: Sequence[object]) -> list[torch.Tensor]:
        counts.append(len(prepared))
        return run(self, prepared)  # type: ignore[arg-type]

    monkeypatch.setattr(family, "look", counted)
    return counts


def see(cache: VisionCache, backbone: Backbone, images: Sequence[bytes | None]) -> Sight:
    return cache.see(backbone, "tiny", len(images), lambda code: images[code])


def rows(sight: Sight) -> list[torch.Tensor | None]:
    features = sight.features
    return [
        features.of([code], DEVICE) if code in features else None
        for code in range(len(sight.digests))
    ]


def same(ours: Sight, theirs: Sight) -> bool:
    pairs = zip(rows(ours), rows(theirs), strict=True)
    return all(
        (one is None and other is None)
        or (one is not None and other is not None and torch.equal(one, other))
        for one, other in pairs
    )


def shards(cache: VisionCache) -> list[Path]:
    return sorted(cache.folder.glob("*/*.safetensors"))


# --- what is seen, is seen once ---


def test_through_the_cache_or_not_the_bits_are_the_same(
    tiny_backbone: Backbone, tmp_path: Path, looks: Looks
) -> None:
    images = [None, *DOTS[:150], DOTS[3], None]
    direct = image_features(tiny_backbone, len(images), images.__getitem__)
    looks.clear()
    cache = VisionCache(tmp_path)
    first = see(cache, tiny_backbone, images)
    assert sum(looks) == 150  # the image that is there twice is looked at once
    assert (first.images, first.cached) == (151, 0)
    again = see(VisionCache(tmp_path), tiny_backbone, images)
    assert sum(looks) == 150
    assert (again.images, again.cached, again.share) == (151, 151, 1.0)
    assert again.mib == 150 * 4 * 32 * 4 / 2**20
    codes = [code for code, image in enumerate(images) if image is not None]
    for features in (first.features, again.features):
        assert torch.equal(features.of(codes, DEVICE), direct.of(codes, DEVICE))  # type: ignore[arg-type]


@settings(max_examples=25)
@given(data=st.data())
def test_any_catalogues_in_any_order_find_what_others_left(
    data: st.DataObject, tiny_backbone: Backbone, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is new in each catalogue is looked at, alone; what it gets is what was first seen."""
    cache = VisionCache(tmp_path_factory.mktemp("cache"))
    known: dict[int, torch.Tensor] = {}
    catalogue = st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=12)
    for numbers in data.draw(st.lists(catalogue, max_size=4)):
        images = [None if number is None else DOTS[number] for number in numbers]
        sight = see(cache, tiny_backbone, images)
        assert sight.cached == sum(number in known for number in numbers)
        for number, found in zip(numbers, rows(sight), strict=True):
            assert (number is None) == (found is None)
            if number is None or found is None:
                continue
            if number not in known:
                alone = image_features(tiny_backbone, 1, lambda _, n=number: DOTS[n])
                known[number] = found
                torch.testing.assert_close(found, alone.of([0], DEVICE), atol=1e-5, rtol=0)
            assert torch.equal(found, known[number])


def test_mapped_features_are_those_held_in_memory(
    tiny_backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SHARD_IMAGES", 64)
    cache = VisionCache(tmp_path)
    sight = see(cache, tiny_backbone, DOTS[:200])
    assert len(shards(cache)) == 4
    mapped = cache.open(sight.eyes, sight.digests, held_bytes=0)
    assert mapped is not None
    assert len(mapped.parts) == 4
    codes = [199, 0, 70, 70, 130]
    assert torch.equal(mapped.of(codes, DEVICE), sight.features.of(codes, DEVICE))  # type: ignore[arg-type]


def test_what_is_noted_opens_without_eyes_or_images(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    cache = VisionCache(tmp_path / "cache")
    sight = see(cache, tiny_backbone, [None, *DOTS[:5]])
    sight.save(tmp_path / "images.safetensors")
    eyes, digests = noted_images(tmp_path / "images.safetensors")
    assert (eyes, digests) == (sight.eyes, sight.digests)
    features = cache.open(eyes, digests)
    assert features is not None
    assert torch.equal(features.of([5, 1], DEVICE), sight.features.of([5, 1], DEVICE))  # type: ignore[arg-type]
    assert cache.open(eyes, [*digests, b"x" * 32]) is None
    assert VisionCache(tmp_path / "none").open(eyes, digests) is None


@pytest.mark.parametrize("images", [[], [None, None]])
def test_a_catalogue_without_images(
    images: list[bytes | None], tiny_backbone: Backbone, tmp_path: Path, looks: Looks
) -> None:
    sight = see(VisionCache(tmp_path), tiny_backbone, images)
    sight.save(tmp_path / "noted")
    assert noted_images(tmp_path / "noted")[1] == sight.digests == [NONE] * len(images)
    assert (sight.images, sight.share, sight.mib, looks) == (0, 1.0, 0.0, [])


def test_an_image_without_use_counts_as_none(tiny_backbone: Backbone, tmp_path: Path) -> None:
    encoded = [DOTS[0], b"no image", DOTS[1]]
    usable = [DOTS[0], None, DOTS[1]]
    sight = VisionCache(tmp_path).see(
        tiny_backbone, "tiny", 3, usable.__getitem__, encoded.__getitem__
    )
    assert sight.digests[1] == NONE
    assert [code in sight.features for code in range(3)] == [True, False, True]


# --- other eyes ---


def test_other_eyes_never_meet_these_features(
    fresh_backbone: Callable[[], Backbone], tmp_path: Path, looks: Looks
) -> None:
    cache, backbone = VisionCache(tmp_path), fresh_backbone()
    before = see(cache, backbone, DOTS[:3])
    with torch.no_grad():
        next(backbone.eyes[1].parameters()).flatten()[0] += 1e-3
    after = see(cache, backbone, DOTS[:3])
    assert before.eyes != after.eyes
    assert after.cached == 0
    assert sum(looks) == 6
    assert not same(before, after)


def test_what_the_key_is_of(fresh_backbone: Callable[[], Backbone], tmp_path: Path) -> None:
    backbone = fresh_backbone()
    key = eyes_key(backbone)
    assert eyes_key(fresh_backbone()) == key
    with torch.no_grad():  # the language model has no part in what is seen
        next(backbone.language.parameters()).add_(1.0)
    assert eyes_key(backbone) == key
    processor = backbone.family.image_processor
    processor.image_mean, before = [0.4, 0.5, 0.5], processor.image_mean
    try:
        assert eyes_key(backbone) != key
    finally:
        processor.image_mean = before
    assert eyes_key(backbone) == key
    for eye in backbone.eyes:
        eye.to(torch.bfloat16)
    assert eyes_key(backbone) != key


def test_a_saved_and_loaded_backbone_has_the_same_eyes(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    from gistrec.mllm.loading import load_backbone

    tiny_backbone.save(tmp_path)
    assert eyes_key(load_backbone(tmp_path)) == eyes_key(tiny_backbone)


# --- damage ---


def spoiled_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def spoiled_bytes(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-50, os.SEEK_END)
        file.write(b"damage")


def spoiled_whole(path: Path) -> None:
    path.write_bytes(b"")


def from_other_eyes(path: Path) -> None:
    data = path.read_bytes()
    before = b'\\"eyes\\": \\"'
    at = data.index(before) + len(before)
    path.write_bytes(data[:at] + (b"1" if data[at : at + 1] == b"0" else b"0") + data[at + 1 :])


@pytest.mark.parametrize("spoil", [spoiled_end, spoiled_bytes, spoiled_whole, from_other_eyes])
def test_a_damaged_shard_is_told_of_and_made_again(
    spoil: Callable[[Path], None],
    tiny_backbone: Backbone,
    tmp_path: Path,
    looks: Looks,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "_SHARD_IMAGES", 64)
    cache = VisionCache(tmp_path)
    before = see(cache, tiny_backbone, DOTS[:128])
    victim = shards(cache)[0]
    spoil(victim)
    looks.clear()
    capsys.readouterr()
    after = see(cache, tiny_backbone, DOTS[:128])
    assert looks == [64]
    assert after.cached == 64
    assert same(before, after)
    assert f"{victim} is damaged" in capsys.readouterr().err
    assert len(shards(cache)) == 2
    looks.clear()
    assert see(cache, tiny_backbone, DOTS[:128]).share == 1.0
    assert looks == []


def test_a_shard_does_not_pass_for_another(tiny_backbone: Backbone, tmp_path: Path) -> None:
    cache = VisionCache(tmp_path)
    sight = see(cache, tiny_backbone, DOTS[:2])
    (path,) = shards(cache)
    assert read_shard(path, sight.eyes).is_sound
    with pytest.raises(DamagedShardError, match="something else"):
        read_shard(path, "f" * 64)


def test_a_cache_that_vanishes_is_one_clear_message(
    tiny_backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VisionCache, "open", lambda *_: None)
    with pytest.raises(RunError, match="changed meanwhile"):
        see(VisionCache(tmp_path), tiny_backbone, DOTS[:2])


# --- interruptions ---

FILL = """
import sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from gistrec.mllm.loading import load_backbone
from gistrec.mllm.vision import cache

cache._SHARD_IMAGES = 64
images = sorted(Path(sys.argv[2]).iterdir())
def image_of(code):
    time.sleep(0.002)
    return images[code].read_bytes()
cache.VisionCache(Path(sys.argv[3])).see(load_backbone(sys.argv[1]), "tiny", len(images), image_of)
"""


def filling(backbone: Backbone, images: Sequence[bytes], folder: Path) -> subprocess.Popen[bytes]:
    """A process of its own that fills ``folder / "cache"``, in shards of 64 images."""
    backbone.save(folder / "model")
    (folder / "images").mkdir()
    for number, data in enumerate(images):
        (folder / "images" / f"{number:03d}.png").write_bytes(data)
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            FILL,
            *(str(folder / name) for name in ("model", "images", "cache")),
        ],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def has_begun(process: subprocess.Popen[bytes], cache: VisionCache, count: int) -> bool:
    """Wait for some shards, while the process lives."""
    until = time.monotonic() + 60
    while len(shards(cache)) < count and process.poll() is None and time.monotonic() < until:
        time.sleep(0.001)
    return process.poll() is None


def test_a_killed_filling_goes_on_where_it_was(
    tiny_backbone: Backbone, tmp_path: Path, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = VisionCache(tmp_path / "cache")
    process = filling(tiny_backbone, DOTS, tmp_path)
    if has_begun(process, cache, 2):
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    left = len(shards(cache)) * 64
    assert 2 * 64 <= left < len(DOTS)
    (entry,) = cache.entries()
    (entry.folder / f".{shards(cache)[0].name}.torn").write_bytes(b"half")

    monkeypatch.setattr(module, "_SHARD_IMAGES", 64)
    resumed = see(cache, tiny_backbone, DOTS)
    assert sum(looks) == len(DOTS) - left
    assert resumed.cached == left
    untouched = VisionCache(tmp_path / "another")
    assert same(resumed, see(untouched, tiny_backbone, DOTS))
    names = [path.name for path in sorted(entry.folder.iterdir())]
    assert names == [path.name for path in sorted(untouched.entries()[0].folder.iterdir())]
    for ours, theirs in zip(shards(cache), shards(untouched), strict=True):
        assert ours.read_bytes() == theirs.read_bytes()


def test_two_at_once_fill_one_cache(
    tiny_backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SHARD_IMAGES", 64)
    cache = VisionCache(tmp_path / "cache")
    process = filling(tiny_backbone, DOTS, tmp_path)
    assert has_begun(process, cache, 1)
    ours = see(cache, tiny_backbone, DOTS[::-1])
    assert process.wait(timeout=60) == 0
    assert cache.entries()[0].images == len(DOTS)
    sight = see(cache, tiny_backbone, DOTS)
    assert sight.share == 1.0
    for found, expected in zip(rows(ours)[::-1], rows(sight), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_an_interruption_keeps_what_was_seen(
    tiny_backbone: Backbone, tmp_path: Path, looks: Looks
) -> None:
    cache = VisionCache(tmp_path)
    waiting = iter(range(len(DOTS)))

    def image_of(code: int) -> bytes:
        if looks and next(waiting) == 100:
            os.kill(os.getpid(), signal.SIGINT)
        return DOTS[code]

    # Whoever starts the tests in the background has them ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            cache.see(tiny_backbone, "tiny", len(DOTS), image_of)
    finally:
        signal.signal(signal.SIGINT, before)
    held = cache.entries()[0].images
    assert 64 <= held < len(DOTS)
    looks.clear()
    assert see(cache, tiny_backbone, DOTS).cached == held
    assert sum(looks) == len(DOTS) - held


def test_what_was_seen_before_a_fault_stays_seen(
    tiny_backbone: Backbone, tmp_path: Path, looks: Looks
) -> None:
    images = [*DOTS[:140], b"no image"]
    cache = VisionCache(tmp_path)
    with pytest.raises(DataError, match="row 140 of the catalogue cannot be decoded"):
        see(cache, tiny_backbone, images)
    assert looks == [64, 64]
    assert see(cache, tiny_backbone, images[:-1]).cached == 128


# --- entries ---


def test_entries_say_whose_they_are_the_latest_used_first(
    fresh_backbone: Callable[[], Backbone], tmp_path: Path
) -> None:
    cache, one, other = VisionCache(tmp_path / "cache"), fresh_backbone(), fresh_backbone()
    assert cache.entries() == []
    with torch.no_grad():
        next(other.eyes[0].parameters()).add_(0.1)
    cache.see(one, "one", 2, DOTS.__getitem__)
    sight = cache.see(other, "other", 3, DOTS.__getitem__)
    (cache.folder / "not ours").mkdir()
    (cache.folder / "a file").write_text("x", encoding="utf-8")
    assert {(entry.backbone, entry.images) for entry in cache.entries()} == {
        ("one", 2),
        ("other", 3),
    }
    for entry, age in zip(sorted(cache.entries(), key=lambda e: e.backbone), (10, 99), strict=True):
        then = time.time() - age
        os.utime(entry.folder / "eyes.json", (then, then))
    assert [entry.backbone for entry in cache.entries()] == ["one", "other"]
    cache.open(sight.eyes, sight.digests)
    assert [entry.backbone for entry in cache.entries()] == ["other", "one"]


def test_an_entry_in_use_is_not_cleared(tiny_backbone: Backbone, tmp_path: Path) -> None:
    cache = VisionCache(tmp_path)
    sight = see(cache, tiny_backbone, DOTS[:2])
    (entry,) = cache.entries()
    with entry.filling():
        assert not entry.clear()
    assert len(shards(cache)) == 1
    assert entry.clear()
    assert cache.entries() == []
    # What was open before stays open.
    assert sight.features.of([0], DEVICE) is not None
    assert see(cache, tiny_backbone, DOTS[:2]).cached == 0


def test_where_the_users_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GISTREC_CACHE", raising=False)
    assert users_cache() == tmp_path / ".cache" / "gistrec" / "vision"
    monkeypatch.setenv("GISTREC_CACHE", "~/elsewhere")
    assert users_cache() == tmp_path / "elsewhere"


def test_where_there_are_no_images_no_shares_are_told(
    tiny_backbone: Backbone, tmp_path: Path
) -> None:
    assert str(see(VisionCache(tmp_path), tiny_backbone, [None])) == "none"
