"""Recorded tracks: GPX and CSV become fixes in order of time; bad files say what is wrong and where."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from orders.management.commands.replay_track import record
from orders.tracks import BadTrack, Due, Fix, plan, read_track

HEADER = "id,vehicle_id,timestamp,latitude,longitude,bearing\n"
BUS = "1,4716,2026-01-26 15:57:02,53.44451,-2.925173,\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def gpx(*points: str) -> str:
    body = "\n".join(points)
    return f'<?xml version="1.0"?>\n<gpx version="1.1"><trk><trkseg>\n{body}\n</trkseg></trk></gpx>'


def test_eight_buses_are_read_in_order_of_time(real_data: Path) -> None:
    fixes = read_track(real_data / "tracks" / "liverpool_bus_route14.csv")

    assert len(fixes) == 1_533
    assert {fix.name for fix in fixes} == {"4716", "4720", "4722", "4733", "4803", "4836", "4841", "4842"}
    assert [fix.time for fix in fixes] == sorted(fix.time for fix in fixes)
    assert sum(fix.heading is None for fix in fixes) == 399
    assert fixes[0].time == 1_769_442_912_000  # 2026-01-26 15:55:12 UTC


def test_a_car_drive_is_read_from_gpx(real_data: Path) -> None:
    fixes = read_track(real_data / "tracks" / "visnjan_car.gpx")

    assert len(fixes) == 104
    assert fixes[0] == Fix(1_608_272_150_000, "visnjan_car", 45.273518851, 13.7142099626, None)


def test_the_buses_replayed_at_sixty_times_take_minutes_not_hours(real_data: Path) -> None:
    steps = list(plan(read_track(real_data / "tracks" / "liverpool_bus_route14.csv"), 60))

    assert 100 < steps[-1].at < 180
    assert [step.at for step in steps] == sorted(step.at for step in steps)


def test_a_blank_bearing_is_no_heading_and_zero_is_one(write: Callable[..., Path]) -> None:
    path = write("a.csv", HEADER + BUS + BUS.replace(",\n", ",0\n"))

    assert [fix.heading for fix in read_track(path)] == [None, 0.0]


def test_a_name_stands_alone_or_before_the_vehicles_own(write: Callable[..., Path]) -> None:
    one, two = write("one.csv", HEADER + BUS), write("two.csv", HEADER + BUS + BUS.replace("4716", "4720"))

    assert {fix.name for fix in read_track(one, "Asha")} == {"Asha"}
    assert {fix.name for fix in read_track(two, "bus")} == {"bus 4716", "bus 4720"}


def test_other_recorders_columns_are_understood(write: Callable[..., Path]) -> None:
    path = write("phone.csv", "\ufefftime;lat;lon\r\n1769442912;13.0827;80.2707\r\n\r\n")

    assert read_track(path) == [Fix(1_769_442_912_000, "phone", 13.0827, 80.2707, None)]


def test_gpx_times_keep_their_zone(write: Callable[..., Path]) -> None:
    path = write("z.gpx", gpx('<trkpt lat="1" lon="2"><time>2026-01-01T01:30:00+01:00</time></trkpt>'))

    assert read_track(path)[0].time == 1_767_227_400_000


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("empty.csv", "", "the file is empty"),
        ("header.csv", HEADER, "there is no fix in it"),
        ("columns.csv", "id,when,where\n", "line 1: no column is called timestamp or time"),
        (
            "lat.csv",
            HEADER + BUS + BUS.replace("53.44451", "93.4451"),
            "line 3: latitude 93.4451 is not between -90 and 90",
        ),
        (
            "lng.csv",
            HEADER + BUS.replace("-2.9", "-182.9"),
            "line 2: longitude -182.925173 is not between -180",
        ),
        (
            "nan.csv",
            HEADER + BUS.replace("53.44451", "nan"),
            "line 2: latitude nan is not between -90 and 90",
        ),
        ("text.csv", HEADER + BUS.replace("53.44451", "north"), "line 2: latitude 'north' is not a number"),
        ("time.csv", HEADER + BUS.replace("15:57:02", "25:57"), "line 2: '2026-01-26 25:57' is not a time"),
        ("short.csv", HEADER + "1,4716,2026-01-26\n", "line 2: it has 3 columns, the first line has 6"),
        ("nobody.csv", HEADER + BUS.replace("4716", " "), "line 2: it names no vehicle"),
        ("bytes.csv", HEADER.encode() + b"1,\xff\xfe", "line 2: the text is not UTF-8"),
        ("cut.gpx", gpx("<trkpt"), "it is not GPX"),
        ("other.gpx", "<html></html>", "there is no fix in it"),
        ("entity.gpx", '<!DOCTYPE g [<!ENTITY a "b">]><gpx>&a;</gpx>', "a track has no need of XML entities"),
        ("timeless.gpx", gpx('<trkpt lat="1" lon="2"></trkpt>'), "line 3: a point has no readable <time>"),
        (
            "pole.gpx",
            gpx('<trkpt lat="91" lon="2"><time>2026-01-01T00:00:00Z</time></trkpt>'),
            "line 3: latitude 91.0",
        ),
    ],
)
def test_a_bad_file_is_named_with_line_and_rule(
    write: Callable[..., Path], name: str, content: str | bytes, rule: str
) -> None:
    path = write(name, content)

    with pytest.raises(BadTrack) as caught:
        read_track(path)
    assert str(caught.value).startswith(str(path))
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_refuses_a_missing_file_and_a_folder_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.gpx", tmp_path):
        with pytest.raises(CommandError) as caught:
            call_command("replay_track", str(path))
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("speed", ["0", "-3", "nan", "1e9"])
def test_the_command_refuses_a_speed_that_cannot_be(write: Callable[..., Path], speed: str) -> None:
    with pytest.raises(CommandError, match="--speed is"):
        call_command("replay_track", str(write("a.csv", HEADER + BUS)), f"--speed={speed}")


def test_fixes_are_due_at_their_distance_in_time_divided_by_the_speed() -> None:
    fixes = [Fix(at * 1000, "4716", 53.0, -2.9, None) for at in (0, 60, 90)]

    assert [step.at for step in plan(fixes, 60)] == [0, 1, 1.5]
    assert {step.timescale for step in plan(fixes, 60)} == {60}


def test_a_pause_of_all_is_cut_and_only_its_own_fixes_move_faster() -> None:
    hour = 3_600_000
    fixes = [
        Fix(0, "a", 53.0, -2.9, None),
        Fix(1_000, "b", 53.0, -2.9, None),
        Fix(hour, "a", 53.1, -2.9, None),
        Fix(hour + 1_000, "a", 53.1, -2.9, None),
        Fix(hour + 2_000, "b", 53.1, -2.9, None),
    ]
    steps = list(plan(fixes, 1, longest_pause=5))

    assert [step.at for step in steps] == [0, 1, 6, 7, 8]
    assert [step.timescale for step in steps] == [1, 1, 600, 1, 515]


def test_a_fix_is_sent_with_the_time_of_sending_and_without_speed() -> None:
    step = Due(2.0, 60, Fix(1_000, "4716", 53.4, -2.9, 53.0))

    assert record(step, 99_000, None, keep_time=False) == (
        "4716",
        {
            "name": "4716",
            "lat": 53.4,
            "lng": -2.9,
            "timestamp": 99_000,
            "source": "replay",
            "timescale": 60,
            "heading": 53.0,
        },
    )


def test_kept_times_move_at_the_recorded_pace() -> None:
    _, value = record(Due(2.0, 60, Fix(1_000, "4716", 53.4, -2.9, None)), 99_000, "ORD-49915", keep_time=True)

    assert (value["timestamp"], value["timescale"], value["orderId"]) == (1_000, 1, "ORD-49915")
    assert "heading" not in value


def test_a_replayed_track_arrives_in_kafka(kafka_bootstrap: str, write: Callable[..., Path]) -> None:
    from kafka import KafkaConsumer

    call_command("kafka_topics", stdout=StringIO())
    out = StringIO()
    rows = BUS + BUS.replace("15:57:02", "15:57:40").replace(",\n", ",53\n")
    call_command("replay_track", str(write("a.csv", HEADER + rows)), "--speed=100", "--courier=Replayed", stdout=out)

    consumer = KafkaConsumer(
        "location-updates",
        bootstrap_servers=kafka_bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5_000,
    )
    sent = [record for record in consumer if record.key == b"Replayed"]
    consumer.close()
    values = [json.loads(record.value) for record in sent]
    assert [value.get("heading") for value in values] == [None, 53]
    assert values[1]["timestamp"] - values[0]["timestamp"] == 380
    assert all(abs(value["timestamp"] - record.timestamp) < 30_000 for value, record in zip(values, sent, strict=True))
    assert "2 fixes of Replayed" in out.getvalue()
    assert "Sent 2 fixes." in out.getvalue()
