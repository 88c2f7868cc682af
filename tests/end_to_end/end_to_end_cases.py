"""The command as tests give it, and what is made once and looked at by many of them."""

import contextlib
import fcntl
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TINY = """
split: {cold_fraction: 0.1, test_fraction: 0.2, max_valid_users: 24}
evaluation: {protocols: [sampled, full, cold-sampled, cold-full], resamples: 20}
baselines:
  names: [popularity, sasrec]
  sasrec: {width: 16, negatives: null, epochs: 2}
backbone:
  embedded:
    {width: 32, layers: 2, vision_width: 32, vision_layers: 1, primer_drawings: 48,
     invented_users: 48, epochs: 2}
gist: {max_new_tokens: 8, encoder: lsa, tuning: {kind: none}}
evidence: {sentences: lsa}
recommender: {epochs: 2, max_windows: 48, batch_size: 8, negatives: 4, history: 4, retrieved: 6}
"""
TINY_MLLM_MSR = """
split: {cold_fraction: 0.1, test_fraction: 0.2}
evaluation: {protocols: [sampled, full, cold-sampled], resamples: 20}
baselines:
  names: [popularity]
  sasrec: {width: 16, negatives: null, epochs: 1}
backbone:
  embedded:
    {width: 32, layers: 2, vision_width: 32, vision_layers: 1, primer_drawings: 24,
     invented_users: 24, max_texts: 100, retold_texts: 20, sentences: 100, tastes: 300, epochs: 2,
     batch_size: 8, learning_rate: 5.0e-3, telling: texts}
gist: {max_new_tokens: 16, encoder: lsa}
taste: {max_new_tokens: 8}
recommender: {epochs: 1, max_windows: 40, batch_size: 8, negatives: 4, retrieved: 6}
"""
USERS, ITEMS = 150, 300


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Command:
    """The command `gistrec`, within this process: its libraries are loaded once."""

    def __call__(self, *arguments: object) -> Ended:
        from gistrec.cli import main as command

        out, err, given = io.StringIO(), io.StringIO(), sys.argv
        sys.argv = ["gistrec", *map(str, arguments)]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                command.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            sys.argv = given
        return Ended(code, out.getvalue(), err.getvalue())

    def done(self, *arguments: object) -> Ended:
        """As a call, for a command that has to end well."""
        ended = self(*arguments)
        assert ended.code == 0, ended.err
        return ended


@dataclass(frozen=True)
class Tiny:
    """The shared folders; whoever changes one copies it first."""

    config: Path
    bazaar: Path
    run: Path
    said: str  # what the run printed, both streams
    system: str = "mmsrarec"

    def command(self, run: Path, *settings: str) -> list[str]:
        """The arguments that made the run, for another folder."""
        made = ["run", "--system", self.system, "--dataset", self.bazaar, "--run", run]
        return [*map(str, made), "--config", str(self.config), *settings]


def in_process_of_its_own(arguments: list[str]) -> subprocess.Popen[str]:
    """Start `gistrec` on one thread, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "gistrec.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@contextlib.contextmanager
def made_once(mark: Path) -> Iterator[bool]:
    """Yield whether ``mark`` is absent, and set it after; other processes wait meanwhile."""
    with mark.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not mark.exists()
        mark.touch()
