"""Paths of the logs app, under /logs/."""

from django.urls import path
from django.views.generic import RedirectView

from logs import views

app_name = "logs"
urlpatterns = [
    path("", views.live, name="live"),
    path("incidents/", views.incidents, name="incidents"),
    path("counts/", views.counts, name="counts"),
    path("search/", views.search, name="search"),
    path("search/lines.<str:form>", views.download, name="download"),
    path("lines/<str:line_id>/", views.line, name="line"),
    path("line/<str:line_id>/", RedirectView.as_view(pattern_name="logs:line")),
]
