import io
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest
from PIL import Image

from gistrec.data.dataset import open_dataset
from gistrec.data.sources.attach_images import attach_images
from gistrec.data.sources.image_urls import FetchSettings, fetch_images, file_for
from gistrec.data.sources.importing import ImportOptions, import_dataset
from gistrec.data.sources.silent_hosts import GIVE_UP_AFTER

QUICK = FetchSettings(concurrency=4, timeout=0.4, attempts=3, back_off=0.01, largest=100_000)


def png(colour):
    stream = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(stream, "PNG")
    return stream.getvalue()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        with server.lock:
            server.asked[self.path] += 1
            server.under_way += 1
            server.most = max(server.most, server.under_way)
        try:
            self.answer(server.asked[self.path])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client gave up, as it should
        finally:
            with server.lock:
                server.under_way -= 1

    def answer(self, times):
        if self.path.startswith("/good"):
            time.sleep(0.02)
            self.send(200, png("red"))
        elif self.path == "/flaky":
            self.send(500 if times == 1 else 200, png("blue"))
        elif self.path == "/busy":
            self.send(429 if times == 1 else 200, png("blue"), retry_after="0")
        elif self.path == "/html":
            self.send(200, b"<html>sorry</html>")
        elif self.path == "/stalls":
            self.server.closing.wait(2)
        elif self.path == "/trickles":
            self.send_response(200)
            self.end_headers()
            while not self.server.closing.wait(0.1):
                self.wfile.write(b"x")
        elif self.path == "/huge":
            self.send(200, b"x" * 200_000)
        elif self.path == "/cut":
            self.send(200, png("red"), length=10_000)
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        elif self.path == "/broken":
            self.send(503, b"")
        else:
            self.send(404, b"none")

    def send(self, status, body, length=None, retry_after=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.lock, server.closing = Counter(), threading.Lock(), threading.Event()
    server.under_way = server.most = 0
    server.at = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_fails_once_is_tried_again(server, tmp_path):
    urls = [f"{server.at}/{path}" for path in ("good", "flaky", "busy", "moved")]
    got = fetch_images(urls, tmp_path, QUICK)
    assert got.failures == {}
    assert got.files[urls[1]].read_bytes() == png("blue")
    assert (server.asked["/flaky"], server.asked["/busy"]) == (2, 2)


@pytest.mark.parametrize(
    ("path", "why", "asked"),
    [
        ("/absent", "HTTP 404", 1),
        ("/broken", "HTTP 503, 3 times", 3),
        ("/html", "not an image", 1),
        ("/huge", "larger than 100000 bytes", 1),
        ("/stalls", "no answer within 0.4 s, 3 times", 3),
        ("/trickles", "not complete after 0.4 s, 3 times", 3),
        ("/cut", "RemoteProtocolError", 3),
    ],
)
def test_what_goes_on_failing_is_reported(server, tmp_path, path, why, asked):
    url = server.at + path
    got = fetch_images([url, f"{server.at}/good"], tmp_path, QUICK)
    assert list(got.files) == [f"{server.at}/good"]
    assert why in got.failures[url]
    assert server.asked[path] == asked
    assert [file.name for file in tmp_path.iterdir()] == [
        file_for(f"{server.at}/good", tmp_path).name
    ]


@pytest.mark.parametrize("url", ["ftp://host/a.jpg", "file:///etc/hostname", "no url", "http://"])
def test_what_is_no_web_address_is_reported(tmp_path, url):
    assert list(fetch_images([url], tmp_path, QUICK).failures) == [url]


def test_nobody_listening_is_reported(tmp_path):
    got = fetch_images(["http://127.0.0.1:9/a.jpg"], tmp_path, QUICK)
    assert "ConnectError" in got.failures["http://127.0.0.1:9/a.jpg"]


def test_a_host_that_never_answers_is_given_up(tmp_path):
    urls = [f"http://127.0.0.1:9/{number}.jpg" for number in range(GIVE_UP_AFTER + 5)]
    one_by_one = FetchSettings(concurrency=1, attempts=1)
    failures = fetch_images(urls, tmp_path, one_by_one).failures
    assert list(failures) == urls
    not_tried = [url for url, why in failures.items() if why.startswith("not tried: 127.0.0.1:9")]
    assert not_tried == urls[GIVE_UP_AFTER:]


def test_a_host_that_answers_with_errors_is_not_given_up(server, tmp_path):
    urls = [f"{server.at}/absent{number}" for number in range(GIVE_UP_AFTER + 5)]
    got = fetch_images([*urls, f"{server.at}/good"], tmp_path, FetchSettings(concurrency=1))
    assert set(got.failures.values()) == {"HTTP 404"}
    assert list(got.files) == [f"{server.at}/good"]


def test_what_is_there_is_not_fetched_again_and_failures_are(server, tmp_path):
    urls = [f"{server.at}/good", f"{server.at}/absent"]
    assert fetch_images(urls, tmp_path, QUICK).from_cache == 0
    again = fetch_images(urls, tmp_path, QUICK)
    assert (again.from_cache, list(again.files)) == (1, urls[:1])
    assert server.asked == {"/good": 1, "/absent": 2}


def test_a_url_named_twice_is_fetched_once_and_few_are_under_way(server, tmp_path):
    urls = [f"{server.at}/good{number % 20}" for number in range(40)]
    got = fetch_images(urls, tmp_path, FetchSettings(concurrency=3))
    assert len(got.files) == 20
    assert set(server.asked.values()) == {1}
    assert 1 < server.most <= 3


def test_items_get_their_fetched_images_and_failures_their_reason(server, tmp_path):
    items = pl.DataFrame(
        {
            "item_id": ["a", "b", "c", "d"],
            "title": [""] * 4,
            "image_url": [f"{server.at}/good", f"{server.at}/absent", None, f"{server.at}/good"],
        }
    )
    idle = attach_images(items, 10, None, None, None, tmp_path / "cache")
    assert (idle.count.not_fetched, idle.count.missing) == (3, 1)
    assert not server.asked
    attached = attach_images(items, 10, None, None, QUICK, tmp_path / "cache")
    has = attached.items["image"].is_not_null().to_list()
    assert has == [True, False, False, True]
    assert attached.count.failed == 1
    (failure,) = attached.failures
    assert (failure.item_id, failure.where, failure.why) == ("b", f"{server.at}/absent", "HTTP 404")


def test_an_import_fetches_once_and_lists_what_failed(server, tmp_path):
    items = f"item_id,title,image_url\na,A,{server.at}/good\nb,B,{server.at}/html\n"
    (tmp_path / "items.csv").write_text(items)
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\nu,a,1\nu,b,2\n")
    paths = [tmp_path / "items.csv", tmp_path / "log.csv"]
    for _ in range(2):
        report = import_dataset("table", paths, tmp_path / "out", ImportOptions(fetch=QUICK))
    assert server.asked == {"/good": 1, "/html": 2}
    assert open_dataset(tmp_path / "out").image_bytes(0) == png("red")
    listed = pl.read_csv(report.failures_file)
    assert listed["item_id"].to_list() == ["b"]
    assert "not an image" in listed["why"][0]
