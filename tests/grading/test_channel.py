"""The channel keeps its limits, and tells why nothing more comes."""

import socket

import pytest

from course_utils.exercises.guard import OutOfTime
from course_utils.grading.channel import Channel, Lost


@pytest.fixture
def ends():
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def test_messages_arrive_in_order(ends):
    here, there = map(Channel, ends)
    messages = [{"a": [1, None]}, "text", "x" * 80_000]
    for message in messages:
        here.send(message)
    assert [there.receive() for _ in messages] == messages


def test_silence_is_out_of_time(ends):
    channel = Channel(ends[0], seconds=0.05)
    with pytest.raises(OutOfTime):
        channel.receive()
    assert channel.late


def test_a_side_that_does_not_read_is_out_of_time(ends):
    channel = Channel(ends[0], seconds=0.05)
    with pytest.raises(OutOfTime):
        channel.send("x" * 10_000_000)
    assert channel.late


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (b"no json\n", "it sent data that can't be read"),
        (b"[" * 50_000 + b"\n", "it sent data that can't be read"),
        (b"\xff\xfe\n", "it sent data that can't be read"),
        (b"9" * 5_000 + b"\n", "it sent data that can't be read"),
        (b"x" * 60_000, "it returned too much data"),
        (b"", "its process ended"),
        (b'{"half": ', "its process ended"),
    ],
)
def test_what_is_no_message_ends_the_channel(ends, sent, fault):
    channel = Channel(ends[0], seconds=5, most=55_000)
    ends[1].sendall(sent)
    ends[1].close()
    with pytest.raises(Lost):
        channel.receive()
    assert channel.fault == fault
