"""Distances, bearings and grid cells on the Earth, taken as a sphere (pure).

Haversine: R. W. Sinnott, "Virtues of the Haversine", Sky & Telescope 68 (1984), p. 159. Initial bearing: E. Williams,
"Aviation Formulary", "Course between points". The radius is the mean one of the IUGG, (2a + b) / 3 of WGS 84. Beside
the ellipsoid the distances are at most 0.56 % off.
"""

from math import asin, atan2, cos, degrees, radians, sin, sqrt

RADIUS_M = 6_371_008.8
DEGREE_M = radians(1) * RADIUS_M


def distance(lat: float, lng: float, to_lat: float, to_lng: float) -> float:
    """Metres along the great circle between two points."""
    north, east = radians(to_lat - lat) / 2, radians(to_lng - lng) / 2
    h = sin(north) ** 2 + cos(radians(lat)) * cos(radians(to_lat)) * sin(east) ** 2
    return 2 * RADIUS_M * asin(sqrt(min(1.0, h)))


def bearing(lat: float, lng: float, to_lat: float, to_lng: float) -> float:
    """Degrees clockwise from north, 0 up to 360, in which the great circle leaves for the second point."""
    here, there, east = radians(lat), radians(to_lat), radians(to_lng - lng)
    y = sin(east) * cos(there)
    x = cos(here) * sin(there) - sin(here) * cos(there) * cos(east)
    return degrees(atan2(y, x)) % 360


def on_grid(lat: float, lng: float, cell_m: float) -> tuple[float, float]:
    """The nearest point of a grid with cells of so many metres, at most cell_m * 0.71 away.

    The grid is fixed to the Earth, so repeated fixes of one place do not average out to where it is.
    """
    step = cell_m / DEGREE_M
    lat = max(-90.0, min(90.0, round(lat / step) * step))
    # A meridian's degree shrinks towards the poles; at the pole itself one cell is enough for all of them.
    wide = step / max(cos(radians(lat)), step / 360)
    lng = round(lng / wide) * wide
    return round(lat, 6), round(max(-180.0, min(180.0, lng)), 6)
