"""Work beside the service: a thread that does something as long as there is some, then waits and looks again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Repeating:
    """Calls `turn` until it says that nothing is left, every `seconds`; a failure is logged and tried again later."""

    def __init__(self, name: str, turn: Callable[[], bool], seconds: float) -> None:
        self._turn, self._seconds = turn, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the turn that is under way; what waits is done by the next server."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                while not self._stop.is_set() and self._turn():
                    pass
            except Exception:
                log.warning("%s failed", self._thread.name, exc_info=True)
