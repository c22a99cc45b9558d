"""Every HTTP path."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView, TemplateView

from realtime.rest import api

api.add_router("/ingest", "logs.api.router")
api.add_router("/logs", "logs.lines_api.router")
api.add_router("/ingest", "orders.ingest_api.router")
api.add_router("", "orders.api.router")
api.add_router("", "orders.api.public")

urlpatterns = [
    path("", TemplateView.as_view(template_name="realtime/home.html"), name="home"),
    path("favicon.ico", RedirectView.as_view(url=static("realtime/icon.svg"))),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("", include("realtime.paths")),
    path("logs/", include("logs.urls")),
    path("", include("orders.urls")),
]
