"""One tiny run, made once by the command as a person gives it; all tests here look at it."""

import os
from collections.abc import Iterator

import pytest
from end_to_end_cases import ITEMS, TINY, USERS, Command, Tiny, in_process_of_its_own, made_once


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
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "end-to-end"
    folder.mkdir(exist_ok=True)
    found = Tiny(folder / "tiny.yaml", folder / "bazaar", folder / "run", "")
    said = folder / "said.txt"
    with made_once(folder / "run-made") as needed:
        if needed:
            found.config.write_text(TINY, encoding="utf-8")
            gistrec.done(
                "data", "bazaar", "--out", found.bazaar, "--users", USERS, "--items", ITEMS
            )
            process = in_process_of_its_own(found.command(found.run))
            printed, _ = process.communicate(timeout=300)
            assert process.returncode == 0, printed
            said.write_text(printed, encoding="utf-8")
    return Tiny(found.config, found.bazaar, found.run, said.read_text(encoding="utf-8"))
