"""Paths of the logs app, under /logs/."""

from django.urls import path

from logs import views

app_name = "logs"
urlpatterns = [path("", views.live, name="live")]
