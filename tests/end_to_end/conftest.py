"""Tiny runs, each made once by the command as a person gives it; all tests here look at them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from end_to_end_cases import (
    ITEMS,
    TINY,
    TINY_MLLM_MSR,
    USERS,
    Command,
    Tiny,
    in_process_of_its_own,
    made_once,
)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Image features of named backbones go where the tests' other files go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GISTREC_CACHE", str(tmp_path_factory.mktemp("vision")))
        yield


@pytest.fixture(scope="session")
def gistrec() -> Command:
    return Command()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, gistrec: Command) -> Tiny:
    """The run, made once for all processes that share the tests."""
    return made(shared(tmp_path_factory) / "end-to-end", gistrec, TINY, "mmsrarec")


@pytest.fixture(scope="session")
def msr(tmp_path_factory: pytest.TempPathFactory, gistrec: Command) -> Tiny:
    """A run that tells tastes, likewise."""
    return made(shared(tmp_path_factory) / "mllm-msr", gistrec, TINY_MLLM_MSR, "mllm-msr")


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes know."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made(folder: Path, gistrec: Command, config: str, system: str) -> Tiny:
    """A run of a system on a bazaar of its own, unless it stands there."""
    folder.mkdir(exist_ok=True)
    found = Tiny(folder / "tiny.yaml", folder / "bazaar", folder / "run", "", system)
    said = folder / "said.txt"
    with made_once(folder / "run-made") as needed:
        if needed:
            found.config.write_text(config, encoding="utf-8")
            gistrec.done(
                "data", "bazaar", "--out", found.bazaar, "--users", USERS, "--items", ITEMS
            )
            process = in_process_of_its_own(found.command(found.run))
            printed, _ = process.communicate(timeout=300)
            assert process.returncode == 0, printed
            said.write_text(printed, encoding="utf-8")
    return replace(found, said=said.read_text(encoding="utf-8"))
