"""A real HTTP server on loopback that answers as a test says, and notes what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gistrec.config.engine import EngineConfig

HANG = 5.0  # seconds; longer than any client in the tests waits


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float

    @property
    def text(self) -> str:
        """The words of the question."""
        parts = self.body["messages"][0]["content"]
        return "".join(part["text"] for part in parts if part["type"] == "text")

    @property
    def images(self) -> list[str]:
        """The addresses of the question's images."""
        parts = self.body["messages"][0]["content"]
        return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


@dataclass(frozen=True)
class Reply:
    """What is sent back; ``hang`` sends it too late."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False


Rule = Callable[[Asked], Reply]


@dataclass(eq=False)
class Served:
    """A server while it runs."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0  # requests under way
    most_at_once: int = 0

    def config(self, **changed: Any) -> EngineConfig:
        settings = {"kind": "server", "url": self.url, "model": "tiny", "attempts": 3}
        return EngineConfig.model_validate({**settings, "timeout_seconds": 30, **changed})

    @property
    def chats(self) -> list[Asked]:
        return [one for one in self.asked if one.path == "/v1/chat/completions"]


def chat(content: str | None, finish: str = "stop", prompt_tokens: int | None = 9) -> Reply:
    """An answer as servers give it."""
    usage = None if prompt_tokens is None else {"prompt_tokens": prompt_tokens}
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return Reply({"object": "chat.completion", "choices": [choice], "usage": usage})


def failing(status: int, message: str = "", **headers: str) -> Reply:
    """A fault as servers give it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"error": {"message": message, "code": status}}, status, named)


def models(*names: str) -> Reply:
    """The list of models."""
    return Reply({"object": "list", "data": [{"id": name} for name in names]})


@contextmanager
def serving(rule: Rule, models: Reply | None = None) -> Iterator[Served]:
    """Run a server that answers questions by ``rule`` until the block ends."""
    lock = threading.Lock()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer({})

        def do_POST(self) -> None:
            self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def answer(self, body: dict[str, Any]) -> None:
            asked = Asked(self.path, dict(self.headers), body, time.monotonic())
            with lock:
                served.asked.append(asked)
                served.at_once += 1
                served.most_at_once = max(served.most_at_once, served.at_once)
            try:
                self.send(self.reply_to(asked))
            finally:
                with lock:
                    served.at_once -= 1

        def reply_to(self, asked: Asked) -> Reply:
            if asked.path == "/v1/models":
                return models or Reply({"data": [{"id": "tiny"}]})
            if asked.path == "/v1/chat/completions":
                return rule(asked)
            return Reply({"detail": "Not Found"}, 404)

        def send(self, reply: Reply) -> None:
            if reply.hang:
                ended.wait(HANG)
                self.close_connection = True
                return
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that gave up is no fault."""

    server = Server(("127.0.0.1", 0), Handler)
    served = Served(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def by_turns(*replies: Reply) -> Rule:
    """The replies one after the other, the last one from then on."""
    lock, left = threading.Lock(), list(replies)

    def rule(_: Asked) -> Reply:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return rule
