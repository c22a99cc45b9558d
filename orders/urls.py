"""The paths of the orders app."""

from django.urls import path

from orders import actions, courier_views, trail_views, views

app_name = "orders"
urlpatterns = [
    path("orders/", views.live, name="live"),
    path("orders/act/", actions.act, name="act"),
    path("orders/day/", trail_views.day, name="day"),
    path("orders/<path:order_id>/track/", views.make_link, name="make_link"),
    path("courier/<str:token>/", courier_views.page, name="courier"),
    path("courier/<str:token>/report", courier_views.report, name="report"),
    path("track/<str:token>/", views.track, name="track"),
]
