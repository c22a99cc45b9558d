"""The stream machine as a Django app."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Stream machine"
    default_auto_field = "django.db.models.BigAutoField"
