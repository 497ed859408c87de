"""What operators see: one JSON line a request, and figures for Prometheus. No secrets in either.

Lines and labels have the route's template, never the path, the query, a header or a body: whatever
a client put there stays out of logs.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    from service.runs.port import Health

__all__ = ["LOGGER", "Figures", "JsonLines", "set_up_logs", "wrote_down"]

LOGGER = logging.getLogger("service.http")

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 60.0)
"""Of the time that a request takes [s]."""


class JsonLines(logging.Formatter):
    """Writes each record as a JSON object on a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time, level, logger, message, and what was given as `fields`."""
        line: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(line | getattr(record, "fields", {}))


def set_up_logs(level: int = logging.INFO) -> None:
    """Have all of our logs written to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("service")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False


def wrote_down(error: BaseException, request: str) -> None:
    """Write down where an unexpected error came from; its message may hold data, so it stays out.

    request
        Number of the request.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in frames[-8:]]
    fields = {"request": request, "error": type(error).__name__, "where": where}
    LOGGER.error("unexpected error", extra={"fields": fields})


class Figures:
    """What is measured; one set for each app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        labels = ("method", "route", "status")
        to = self.registry
        self.requests = Counter("fleetwatt_requests", "Requests answered", labels, registry=to)
        self.seconds = Histogram(
            "fleetwatt_request_seconds",
            "Time to the end of an answer [s]",
            ("route",),
            buckets=BUCKETS,
            registry=to,
        )
        said = "Streams of events that are open"
        self._streams = Gauge("fleetwatt_event_streams", said, registry=to)
        said = "Runs asked for"
        self.submitted = Counter("fleetwatt_runs_submitted", said, ("question",), registry=to)
        self._runs = Gauge("fleetwatt_runs", "Runs by state", ("state",), registry=to)
        self._workers = Gauge("fleetwatt_workers", "Workers that are alive", registry=to)
        said = "Runs that they can solve at once"
        self._slots = Gauge("fleetwatt_worker_slots", said, registry=to)

    def saw(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self, health: Health, streams: int) -> bytes:
        """Return all figures as Prometheus reads them."""
        self._streams.set(streams)
        for state, count in health.runs.items():
            self._runs.labels(state).set(count)
        self._workers.set(health.workers)
        self._slots.set(health.slots)
        return generate_latest(self.registry)
