"""Which of the paths a person named plays which part."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from gistrec.errors import DataError

Patterns = Mapping[str, tuple[str, ...]]


def find_files(paths: Sequence[Path], patterns: Patterns, source: str) -> dict[str, list[Path]]:
    """Files by part, from files and folders; a folder is searched one level deep.

    Args:
        paths: what the person named.
        patterns: for each part the file names it may have, as globs, in lower case.
        source: how messages call the source.

    Raises:
        DataError: a path does not exist, or a named file or folder holds nothing that is known.
    """
    found: dict[str, list[Path]] = {part: [] for part in patterns}
    for path in paths:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        matched = [(part, file) for file in inside for part in _parts(file, patterns)]
        if not matched:
            known = ", ".join(name for names in patterns.values() for name in names)
            raise DataError(f"{path}: nothing here that {source} knows; it looks for {known}")
        for part, file in matched:
            if file not in found[part]:
                found[part].append(file)
    return found


def only(files: Sequence[Path], part: str, source: str) -> Path:
    """The one file of a part.

    Raises:
        DataError: there is none, or more than one.
    """
    if not files:
        raise DataError(f"{source}: no {part} file among the paths given; name it as well")
    if len(files) > 1:
        names = ", ".join(str(file) for file in files)
        raise DataError(f"{source}: more than one {part} file: {names}; name just one")
    return files[0]


def _parts(file: Path, patterns: Patterns) -> list[str]:
    if not file.is_file():
        return []
    name = file.name.lower()
    return [part for part, globs in patterns.items() if any(fnmatch(name, g) for g in globs)][:1]
