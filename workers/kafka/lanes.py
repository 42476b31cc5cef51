"""How are several questions worked on at once, and those of one session in their order?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

Job = Callable[[], None]


class Lanes:
    """Some threads, and a lane for each key that has work: one thread at a time is in it.

    A job must not raise.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kafka-lane")
        self._lock = Lock()
        self._waiting: dict[bytes, deque[Job]] = {}

    def put(self, key: bytes, job: Job) -> None:
        """Have ``job`` done after all that came before it under ``key``."""
        with self._lock:
            if key in self._waiting:
                self._waiting[key].append(job)
                return
            self._waiting[key] = deque()
        self._pool.submit(self._walk, key, job)

    def close(self) -> None:
        """Take no more jobs; whoever is in the middle of one is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _walk(self, key: bytes, job: Job) -> None:
        while True:
            job()
            with self._lock:
                if not self._waiting[key]:
                    del self._waiting[key]
                    return
                job = self._waiting[key].popleft()
