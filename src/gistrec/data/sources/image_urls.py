"""Images fetched from their URLs into a folder: a few at a time, with patience, resumable."""

import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from gistrec.data.sources.image_bytes import NotAnImageError, shrunk
from gistrec.data.sources.silent_hosts import GIVE_UP_AFTER, SilentHosts
from gistrec.files import written_aside
from gistrec.progress import track

_RETRIED = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 30.0  # seconds; a server that asks for more is asked again sooner
_CHUNK = 1024  # URLs handed to the workers at a time
_ANY_SIDE = 2**31  # an image of any size will do: here it is only checked


@dataclass(frozen=True)
class FetchSettings:
    """How hard to try.

    Attributes:
        concurrency: requests under way at a time.
        timeout: seconds that one attempt may take, from connection to last byte.
        attempts: how often a URL is tried when the failure may pass.
        back_off: seconds before the second attempt; doubled before each further one.
        largest: bytes beyond which an answer is refused.
    """

    concurrency: int = 8
    timeout: float = 20.0
    attempts: int = 4
    back_off: float = 0.5
    largest: int = 20 * 1024 * 1024


@dataclass(frozen=True)
class Fetched:
    """What came of some URLs.

    Attributes:
        files: URL to the file that holds its image, those of earlier runs among them.
        failures: URL to why there is none.
        from_cache: how many of ``files`` were there before.
    """

    files: dict[str, Path]
    failures: dict[str, str]
    from_cache: int


class _PassingError(Exception):
    """A failure that may pass, and the seconds after which the server wants to be asked again."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class _SilentError(_PassingError):
    """No answer at all: the host may be down, or the network."""


class _FinalError(Exception):
    """A failure that will not pass."""


def file_for(url: str, cache: Path) -> Path:
    """Where ``cache`` keeps the image of ``url``."""
    return cache / hashlib.sha256(url.encode()).hexdigest()[:32]


def fetch_images(
    urls: Sequence[str], cache: Path, settings: FetchSettings | None = None
) -> Fetched:
    """Fetch every URL once; what ``cache`` already holds is not asked for again.

    A file is written whole or not at all, so an interrupted run goes on where it stood; what failed
    before is tried again. Nothing is raised for a URL that fails: it is reported.
    """
    settings = settings or FetchSettings()
    cache.mkdir(parents=True, exist_ok=True)
    distinct = list(dict.fromkeys(urls))
    wanted = [url for url in distinct if not file_for(url, cache).exists()]
    failures: dict[str, str] = {}
    limits = httpx.Limits(max_connections=settings.concurrency)
    client = httpx.Client(
        timeout=settings.timeout,
        limits=limits,
        follow_redirects=True,
        headers={"User-Agent": "gistrec"},
    )
    hosts = SilentHosts()
    with client, ThreadPoolExecutor(settings.concurrency) as pool:
        for start in track(range(0, len(wanted), _CHUNK), f"image URLs, {_CHUNK} at a time"):
            chunk = wanted[start : start + _CHUNK]
            reasons = pool.map(lambda url: _fetch(client, hosts, url, cache, settings), chunk)
            failures |= {url: why for url, why in zip(chunk, reasons, strict=True) if why}
    files = {url: file_for(url, cache) for url in distinct if url not in failures}
    return Fetched(files, failures, len(distinct) - len(wanted))


def _fetch(
    client: httpx.Client, hosts: SilentHosts, url: str, cache: Path, settings: FetchSettings
) -> str | None:
    """Fetch one URL; None, or why it failed."""
    host = urlsplit(url).netloc
    if hosts.given_up(host):
        return f"not tried: {host} did not answer for {GIVE_UP_AFTER} URLs in a row"
    try:
        data = _get_patiently(client, url, settings)
        hosts.answered(host)
        shrunk(data, _ANY_SIDE)
    except (_PassingError, _FinalError, NotAnImageError) as error:
        (hosts.silent if isinstance(error, _SilentError) else hosts.answered)(host)
        return str(error)
    with written_aside(file_for(url, cache)) as aside:
        aside.write_bytes(data)
    return None


def _get_patiently(client: httpx.Client, url: str, settings: FetchSettings) -> bytes:
    """Try as often as allowed, waiting longer each time; raises what the last attempt raised."""
    for attempt in range(1, settings.attempts):
        try:
            return _get(client, url, settings)
        except _PassingError as passing:
            wait = max(settings.back_off * 2 ** (attempt - 1), passing.wait)
            time.sleep(min(wait, _LONGEST_WAIT))
    try:
        return _get(client, url, settings)
    except _PassingError as passing:
        raise type(passing)(f"{passing}, {settings.attempts} times") from None


def _get(client: httpx.Client, url: str, settings: FetchSettings) -> bytes:
    deadline = time.monotonic() + settings.timeout
    received = bytearray()
    try:
        with client.stream("GET", url) as answer:
            _check_status(answer)
            for part in answer.iter_bytes():
                received += part
                if len(received) > settings.largest:
                    raise _FinalError(f"larger than {settings.largest} bytes")
                if time.monotonic() > deadline:
                    raise _PassingError(f"not complete after {settings.timeout:g} s")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
        raise _FinalError(f"{type(error).__name__}: {error}") from None
    except httpx.TimeoutException:
        raise _SilentError(f"no answer within {settings.timeout:g} s") from None
    except httpx.ConnectError as error:
        raise _SilentError(f"{type(error).__name__}: {error}") from None
    except httpx.HTTPError as error:
        raise _PassingError(f"{type(error).__name__}: {error}") from None
    return bytes(received)


def _check_status(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    why = f"HTTP {answer.status_code}"
    if answer.status_code not in _RETRIED:
        raise _FinalError(why)
    asked = answer.headers.get("Retry-After", "")
    raise _PassingError(why, float(asked) if asked.isdigit() else 0.0)
