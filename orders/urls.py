"""The paths of the orders app."""

from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [
    path("orders/", views.live, name="live"),
    path("orders/<path:order_id>/track/", views.make_link, name="make_link"),
    path("track/<str:token>/", views.track, name="track"),
]
