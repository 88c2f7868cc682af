"""`transformers serve` on loopback, in a process of its own, for as long as a test needs it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_PATIENCE = 120.0  # seconds until it has to answer


@contextmanager
def transformers_serve(model: Path, home: Path) -> Iterator[str]:
    """Serve a saved model and yield the server's address; the model's name is its folder.

    Args:
        model: a folder.
        home: an empty one, for what the server keeps.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "hub").mkdir(parents=True, exist_ok=True)
    log = home / "log.txt"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model)]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            stdout=said,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "HF_HOME": str(home),
                "HF_HUB_OFFLINE": "1",
                "HF_HUB_DISABLE_UPDATE_CHECK": "1",
                "OMP_NUM_THREADS": "1",
                "CUDA_VISIBLE_DEVICES": "",
            },
        )
    try:
        _await(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"the server does not answer: {log.read_text(errors='replace')[-3000:]}")
