"""Which hosts have stopped answering, so that thousands of URLs need not each wait for them."""

import threading
from collections import Counter

GIVE_UP_AFTER = 20  # URLs of one host, one after the other, that got no answer at all


class SilentHosts:
    """Counts URLs without an answer by host; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row: Counter[str] = Counter()

    def given_up(self, host: str) -> bool:
        """Whether so many URLs of ``host`` in a row got no answer that no other is tried."""
        return self._in_a_row[host] >= GIVE_UP_AFTER

    def answered(self, host: str) -> None:
        """Note any answer, an error's included."""
        with self._lock:
            self._in_a_row[host] = 0

    def silent(self, host: str) -> None:
        """Note a URL that got no answer in any attempt."""
        with self._lock:
            self._in_a_row[host] += 1
