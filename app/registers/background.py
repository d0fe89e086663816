"""Keeps one process at work on waiting imports while the service runs."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime

from app.db.database import Database
from app.processes import pool
from app.registers import jobs
from app.settings import Settings

log = logging.getLogger(__name__)


class BackgroundImports:
    """Looks every few seconds for an import to do; starts its process only when there is one."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self._stop = threading.Event()
        self._pool: Executor | None = None
        self._thread = threading.Thread(target=self._run, name="imports", daemon=True)

    def start(self) -> None:
        """Begin looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; an import that is cut off is begun again when its lease has run out."""
        self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stop.wait(min(self._settings.tick_seconds, 2)):
            try:
                while not self._stop.is_set() and jobs.any_waiting(self._db, datetime.now(UTC)):
                    self._one()
            except BrokenProcessPool:
                log.warning("the importing process died; its import is begun again when its lease ends")
                self._pool = None
            except Exception:
                log.warning("looking for imports failed", exc_info=True)

    def _one(self) -> None:
        if self._pool is None:
            self._pool = pool(1)
        arguments = (self._db.url, str(self._settings.data_dir), self._settings.lease_seconds)
        done = self._pool.submit(jobs.run_in_process, *arguments).result()
        log.info("import done", extra={"operation": done})
