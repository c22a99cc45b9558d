"""`manage.py prune`: deletes from the database what has been kept long enough. For a daily timer."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.module_loading import module_has_submodule


class Command(BaseCommand):
    """Any installed app may have a module `retention` with `prune(now)`, which returns counts by what they count."""

    help = "Deletes what the settings say has been kept long enough, and prints how much that was."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        for app in apps.get_app_configs():
            if app.module and module_has_submodule(app.module, "retention"):
                for what, count in import_module(f"{app.name}.retention").prune(now).items():
                    self.stdout.write(f"{what}: {count}")
