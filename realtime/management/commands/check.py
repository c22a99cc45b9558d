"""Django's `check`, with the tag `servers`: checks that ask Kafka and Redis, which no other run needs."""

from typing import Any

from django.core.checks import register
from django.core.checks.registry import registry
from django.core.management.commands import check

from realtime.checks import TAG, check_kafka, check_redis


class Command(check.Command):
    """Registers them only where they are asked for: Django runs whatever is registered, also before `migrate`."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if not options["list_tags"] and TAG not in (options["tags"] or ()):
            return super().handle(*app_labels, **options)
        register(check_kafka, TAG)
        register(check_redis, TAG)
        try:
            return super().handle(*app_labels, **options)
        finally:
            registry.registered_checks -= {check_kafka, check_redis}
