"""What a browser may say on a WebSocket."""

import pytest

from realtime.transports.messages import AT_ONCE, MAX_BYTES, PER_S, Ack, Allowance, Filter, Wrong, read


def test_acknowledgements_and_filters_are_understood():
    assert read('{"type":"ack","frames":7}', None) == Ack(7)
    said = read('{"type":"filter","services":["auth","payment"],"text":"x, y","bbox":[80,13,81,14],"regex":null}', None)
    assert said == Filter({"services": "auth,payment", "text": "x, y", "bbox": "80,13,81,14"})
    assert read('{"type":"filter"}', None) == Filter({})


@pytest.mark.parametrize(
    "text",
    ["", "ack", "[]", "7", "null", "{}", '{"type":"ack"}', '{"type":"ack","frames":"7"}', '{"type":"ack","frames":1.5}',
     '{"type":"subscribe"}', '{"type":"ack","frames":1', "[" * 60_000, '"\ud800"'],
)  # fmt: skip
def test_anything_else_is_not_understood(text):
    assert read(text, None).code == 4400


def test_binary_messages_are_not_understood_and_large_ones_too_big():
    assert read(None, b'{"type":"ack","frames":1}').code == 4400
    assert read(None, b"x" * (MAX_BYTES + 1)).code == 1009
    assert read("x" * (MAX_BYTES + 1), None).code == 1009
    assert read("é" * (MAX_BYTES // 2 + 1), None).code == 1009
    assert isinstance(read('{"type":"filter","text":"' + "x" * (MAX_BYTES - 30) + '"}', None), Filter)
    assert isinstance(read("x" * MAX_BYTES, None), Wrong)


def test_a_socket_may_say_much_at_once_but_not_all_the_time():
    allowance = Allowance()
    assert all(allowance.takes(100.0) for _ in range(int(AT_ONCE)))
    assert not allowance.takes(100.0)
    assert sum(allowance.takes(101.0) for _ in range(1000)) == PER_S
    patient = Allowance()
    assert all(patient.takes(100.0 + n / PER_S) for n in range(5000))
