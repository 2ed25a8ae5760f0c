"""A channel between two processes: messages of plain data, one a line of JSON."""

import json
import socket
import time
from typing import Any

from course_utils.exercises.guard import OutOfTime

OUT_OF_MEMORY = "it needs more memory than it may use"

_PIECE = 1 << 16
_ENDED = "its process ended"


class Lost(OutOfTime):
    """The other process is gone, or sends what can't be read: nothing more comes.

    It passes through a diagnosis as a time limit does.
    """


class Channel:
    """Sends and receives messages, within a time and a number of bytes.

    >>> here, there = map(Channel, socket.socketpair())
    >>> here.send({"op": "call"})
    >>> there.receive()
    {'op': 'call'}
    >>> here.close(), there.close()
    (None, None)

    Attributes:
        fault: why nothing more comes; "" where it may.
        late: whether its time was over before a message came.

    Args:
        connection: a connected socket; the channel's own from now on.
        seconds: for all messages together; None for no limit.
        most: bytes of all messages received together; None for no limit.
    """

    def __init__(
        self,
        connection: socket.socket,
        seconds: float | None = None,
        most: int | None = None,
    ) -> None:
        self._socket = connection
        self._until = None if seconds is None else time.monotonic() + seconds
        self._left = most
        self._waiting = bytearray()
        self.fault = ""
        self.late = False

    def send(self, message: Any) -> None:
        """Send a message.

        Raises:
            OutOfTime: the other side does not read it in time.
            Lost: the other side is gone.
        """
        try:
            self._limit()
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except TimeoutError:
            raise self._late() from None
        except OSError:
            raise self.lost(_ENDED) from None

    def receive(self) -> Any:
        """Wait for a message.

        Raises:
            OutOfTime: none comes in time.
            Lost: the other side is gone, or sends too much, or no JSON.
        """
        looked = 0
        while (end := self._waiting.find(b"\n", looked)) < 0:
            looked = len(self._waiting)
            try:
                self._limit()
                piece = self._socket.recv(_PIECE)
            except TimeoutError:
                raise self._late() from None
            except OSError:
                piece = b""
            if not piece:
                raise self.lost(_ENDED)
            self._waiting += piece
            if self._left is not None:
                self._left -= len(piece)
                if self._left < 0:
                    raise self.lost("it returned too much data")
        line = self._waiting[:end]
        del self._waiting[: end + 1]
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise self.lost("it sent data that can't be read") from None

    @property
    def ended(self) -> bool:
        """Whether it was the other side that ended the channel."""
        return self.fault == _ENDED

    def lost(self, fault: str) -> Lost:
        """Note why nothing more comes, and return the error that says so."""
        self.fault = self.fault or fault
        return Lost(fault)

    def _late(self) -> OutOfTime:
        self.late = True
        return OutOfTime()

    def close(self) -> None:
        """End the channel: the other side sees its end."""
        self._socket.close()

    def _limit(self) -> None:
        if self._until is None:
            return
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._late()
        self._socket.settimeout(left)
