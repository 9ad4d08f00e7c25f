"""Metrics in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from modules.application.application import Application
from modules.application.statistics import BOUNDS, Figures

if TYPE_CHECKING:
    from prometheus_client import Metric


def routes(app: Application) -> APIRouter:
    """GET metrics."""
    router = APIRouter(tags=["internal"])

    @router.get("/metrics", response_class=Response, summary="Figures for Prometheus")
    def metrics() -> Response:
        """Jobs, pictures, seconds by phase, memory and caches, in Prometheus' text format."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(app))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


class _Collector:
    """Reads everything at the moment when it is asked; nothing is kept between two scrapes."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """The present value of every metric."""
        figures = self._app.statistics.read()
        yield from _queue(self._app)
        yield from _work(figures)
        yield from _memory(self._app)
        yield from _caches(self._app)


def _queue(app: Application) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily("easel_queue_jobs", "Jobs in the queue, by state.", labels=["state"])
    gauge.add_metric(["waiting"], len(app.queue.waiting))
    gauge.add_metric(["running"], len(app.queue.running))
    yield gauge


def _work(figures: Figures) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    yield GaugeMetricFamily("easel_uptime_seconds", "Seconds since the program started.", value=figures.uptime)
    jobs = CounterMetricFamily("easel_jobs", "Ended jobs, by kind and by how they ended.", labels=["kind", "state"])
    for (kind, state), count in sorted(figures.jobs.items()):
        jobs.add_metric([kind, state], count)
    yield jobs
    yield CounterMetricFamily("easel_pictures", "Finished pictures, without grids.", value=figures.pictures)
    yield CounterMetricFamily("easel_steps", "Sampling steps, each of a whole batch.", value=figures.steps)
    yield GaugeMetricFamily(
        "easel_steps_per_second", "Sampling steps a second in the last run.", value=figures.last_steps_per_second
    )
    phases = HistogramMetricFamily("easel_phase_seconds", "Seconds a run spent in a phase.", labels=["phase"])
    for phase, (counts, total) in sorted(figures.phases.items()):
        so_far, buckets = 0, list[tuple[str, float]]()
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
            so_far += count
            buckets.append((bound, so_far))
        phases.add_metric([phase], buckets=buckets, sum_value=total)
    yield phases


def _memory(app: Application) -> Iterator[Metric]:
    import psutil
    from prometheus_client.core import GaugeMetricFamily

    resident = psutil.Process().memory_info().rss
    yield GaugeMetricFamily("easel_resident_bytes", "Memory of this process.", value=resident)
    host = psutil.virtual_memory()
    memory = GaugeMetricFamily("easel_memory_bytes", "Memory of the host and of the device.", labels=["where", "what"])
    memory.add_metric(["host", "total"], host.total)
    memory.add_metric(["host", "available"], host.available)
    # Before the engine is there torch is not imported, and a scrape is no reason to import it.
    if app.engine_ready and app.engine.hardware.device.type == "cuda":
        import torch

        device = app.engine.hardware.device
        free, total = torch.cuda.mem_get_info(device)
        memory.add_metric(["device", "total"], total)
        memory.add_metric(["device", "available"], free)
        memory.add_metric(["device", "allocated"], torch.cuda.memory_allocated(device))
        memory.add_metric(["device", "reserved"], torch.cuda.memory_reserved(device))
    yield memory


def _caches(app: Application) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    requests = CounterMetricFamily("easel_cache_requests", "What caches were asked for.", labels=["cache", "found"])
    held = GaugeMetricFamily("easel_cache_bytes", "What caches hold.", labels=["cache"])
    if app.engine_ready:
        cache = app.engine.conditioning_cache
        requests.add_metric(["conditioning", "yes"], cache.hits)
        requests.add_metric(["conditioning", "no"], cache.misses)
        held.add_metric(["conditioning"], cache.bytes)
    yield requests
    yield held
