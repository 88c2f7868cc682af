"""What a finished stage says of itself: the manifest.json in its folder."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from platform import python_version

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from gistrec.errors import RunError
from gistrec.files import write_json
from gistrec.schema import MANIFEST_FILE

Facts = Mapping[str, JsonValue]  # what a stage reports of its own work: counts, losses, revisions
MADE = "made"  # the fact under which a stage tells a fingerprint of what it made, if it has one
_LIBRARIES = ("gistrec", "torch", "transformers", "polars", "numpy")


class Manifest(BaseModel):
    """The record of one finished stage.

    Attributes:
        stage: its name.
        fingerprint: stands for all that decides its result; equal means nothing is to be redone.
        config: the stage's configuration, as it was.
        inputs: fingerprints of what it read, by name.
        code: version of the stage's own code, raised where its result changes in meaning.
        seconds: wall clock over all attempts.
        attempts: 1, and one more for every interruption.
        peak_mib: most memory (MiB, resident) this process held during the last attempt.
        versions: of gistrec, Python and the libraries that decide numbers.
        facts: whatever the stage reports.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    fingerprint: str
    config: JsonValue
    inputs: dict[str, str]
    code: str
    seconds: float
    attempts: int
    peak_mib: float
    versions: dict[str, str]
    facts: dict[str, JsonValue]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest`` into a stage's folder, atomically."""
    write_json(folder / MANIFEST_FILE, manifest.model_dump(mode="json"))


def find_manifest(folder: Path) -> Manifest | None:
    """The manifest of a stage's folder, or None where the stage is not finished.

    Raises:
        RunError: a manifest stands there but is not one that gistrec wrote.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return None
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()
        )
        message = f"{path} is damaged ({wrong}): delete {folder} and run again"
        raise RunError(message) from error


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished stage's folder.

    Raises:
        RunError: the stage is not finished, or its manifest is damaged.
    """
    manifest = find_manifest(folder)
    if manifest is None:
        message = (
            f"stage {folder.name!r} is not finished in {folder.parent}: "
            f"run `gistrec run --run {folder.parent}` first"
        )
        raise RunError(message)
    return manifest


def stage_fingerprint(folder: Path) -> str:
    """The fingerprint of a finished stage, for later stages to name as an input.

    Raises:
        RunError: the stage is not finished.
    """
    return read_manifest(folder).fingerprint


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide numbers, without importing them."""
    versions = {"python": python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            versions[library] = "absent"
    return versions
