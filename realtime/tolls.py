"""What viewers were sent, by view and transport: they count themselves, and are added up when somebody asks."""

import threading
from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from realtime import metrics
from realtime.viewers import Viewer

LABELS = ["view", "transport"]
COUNTERS = {
    "sightline_frames": "Frames handed to the sockets of viewers",
    "sightline_frame_bytes": "Bytes of those frames",
    "sightline_frames_conflated": "Times that a viewer had no room, and what came was merged into a later frame",
    "sightline_lines_hidden": "Lines that were counted for a viewer and left out of its frames",
    "sightline_lines_missed": "Lines that could no longer be delivered to a viewer",
    "sightline_viewers_opened": "Viewers that came",
}
Place = tuple[str, str]


def counts_of(viewer: Viewer) -> dict[str, int]:
    frames, size = viewer.sent
    return {
        "sightline_frames": frames,
        "sightline_frame_bytes": size,
        "sightline_frames_conflated": viewer.conflated,
        "sightline_lines_hidden": viewer.hidden,
        "sightline_lines_missed": viewer.missed,
        "sightline_viewers_opened": 1,
    }


class Tolls(Collector):
    """The viewers of this process. `collect` may run on another thread than the rest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here: dict[Viewer, Place] = {}
        self._gone: dict[Place, Counter[str]] = {}

    def enter(self, viewer: Viewer, transport: str) -> None:
        with self._lock:
            self._here[viewer] = (viewer.view.name, transport)

    def leave(self, viewer: Viewer) -> None:
        with self._lock:
            place = self._here.pop(viewer)
            self._gone.setdefault(place, Counter()).update(counts_of(viewer))
        metrics.CLOSED.labels(place[0], str(viewer.closed or 0)).inc()

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        yield GaugeMetricFamily("sightline_viewers", "Viewers that are connected to this process", labels=LABELS)
        for name, text in COUNTERS.items():
            yield CounterMetricFamily(name, text, labels=LABELS)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        with self._lock:
            totals = {place: Counter(counts) for place, counts in self._gone.items()}
            for viewer, place in self._here.items():
                totals.setdefault(place, Counter()).update(counts_of(viewer))
            watching = Counter(self._here.values())
        viewers, *counters = self.describe()
        for place in totals:
            viewers.add_metric(place, watching[place])
        yield viewers
        for family in counters:
            for place, counts in totals.items():
                family.add_metric(place, counts[family.name])
            yield family


TOLLS = Tolls()
metrics.REGISTRY.register(TOLLS)
