"""What is counted, for Prometheus. Nothing in it says who asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from impasto.web.job import Job
    from impasto.web.studio import Studio

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """The counters of one web face.

    Attributes:
        answers: by their status.
        came: bytes of requests.
        went: bytes of results.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._ended = self._counter("jobs_ended", "Jobs that have ended", "kind", "state")
        self._waited = self._seconds("wait", "From the upload to the start of the work")
        self._worked = self._seconds("work", "From the start of the work to the finished file")
        self.answers = self._counter("answers", "Answers to requests", "status")
        self.came = self._counter("received_bytes", "Bytes of requests")
        self.went = self._counter("sent_bytes", "Bytes of results")

    def watch(self, studio: Studio) -> None:
        """Show what is under way."""
        jobs = self._gauge("jobs", "Jobs that have not ended", "state")
        for state in ("sending", "queued", "running"):
            jobs.labels(state).set_function(partial(studio.count, state))
        self._gauge("persons", "Persons heard of lately").set_function(lambda: len(studio.persons))
        self._gauge("memory_bytes", "Bytes of uploads and waiting pictures").set_function(lambda: studio.memory.used)
        self._gauge("kept_bytes", "Bytes of results").set_function(lambda: studio.kept_bytes)

    def end(self, job: Job) -> None:
        """Count a job that has ended."""
        self._ended.labels(job.kind, job.state).inc()
        if job.running_at is not None:
            self._waited.labels(job.kind).observe(job.running_at - job.begun_at)
            self._worked.labels(job.kind).observe(job.ended_at - job.running_at)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"impasto_web_{name}", what, labels, registry=self._registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"impasto_web_{name}", what, labels, registry=self._registry)

    def _seconds(self, name: str, what: str) -> Histogram:
        return Histogram(f"impasto_web_{name}_seconds", what, ["kind"], registry=self._registry, buckets=_SECONDS)
