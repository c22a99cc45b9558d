"""The machine's own paths, for a project's urls.py: `path("", include("realtime.paths"))`."""

from django.urls import path

from realtime import health, pages

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("pipeline/", pages.pipeline, name="pipeline"),
    path("pipeline/runbook/", pages.runbook, name="runbook"),
]
