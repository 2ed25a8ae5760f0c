"""An executor whose processes are the workers of a Dask cluster."""

import hashlib
import pickle
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from typing import Any, TypeVar

import distributed
from distributed import Client, KilledWorker

from course_utils.cluster.members import Members, only_on
from course_utils.cluster.worker import end_call, run_known
from course_utils.errors import WorkerLost

T = TypeVar("T")

MOST_LOSSES = 3
_TICK_SECONDS = 0.5
_FETCH_SECONDS = 60.0


class Cluster(Executor):
    """Runs calls on the workers of a Dask cluster, on each worker one at a time.

    Functions, arguments and results are pickled; no folder is shared. A function
    travels once to each worker that runs calls of it one after another. A call whose
    worker is lost is run by another one; when that has happened `MOST_LOSSES` times, it
    raises `WorkerLost`. When the scheduler is lost, every call raises `SchedulerLost`.

    Args:
        client: connected to the cluster.
        members: its workers.
        resources: what a call takes of a worker, by Dask's names.
    """

    def __init__(
        self, client: Client, members: Members, resources: Mapping[str, float]
    ) -> None:
        self._client, self._members = client, members
        self._resources = dict(resources) or None
        self._queue: deque[_Call] = deque()
        self._running: dict[str, _Call] = {}
        self._function: _Function | None = None
        self._wake, self._closed = threading.Event(), False
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Schedule a call.

        Raises:
            RuntimeError: the executor is shut down.
        """
        if self._closed:
            raise RuntimeError("the executor is closed")
        if self._function is None or self._function.itself is not fn:
            self._function = _Function(fn)
        call = _Call(self._wake.set, self._function, args, kwargs)
        self._queue.append(call)
        if self._fault:
            self._fail()
        self._wake.set()
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; end those that run if `cancel_futures`."""
        if cancel_futures:
            for call in (*self._queue, *self._running.values()):
                call.cancel()
        self._closed = True
        self._wake.set()
        if wait:
            self._thread.join()

    def received(self, result: Any) -> Any:
        """Return what a call's future gets for what has come from the worker."""
        return result

    def _work(self) -> None:
        while self._queue or self._running or not self._closed:
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()
            try:
                self._step()
            except Exception as error:  # SchedulerLost, as a rule
                self._fault = error
                self._fail()
                return

    def _step(self) -> None:
        """Take what is finished, find what is lost, and give idle workers calls."""
        workers = self._members.look()
        for address, call in list(self._running.items()):
            assert call.remote is not None
            if call.unwanted:
                call.remote.cancel()
                if address in workers:
                    with suppress(Exception):  # the worker goes at the same time
                        # What is no argument of `run` itself is one of `sync`.
                        limit: Any = {"callback_timeout": _FETCH_SECONDS}
                        self._client.run(end_call, workers=[address], **limit)
            elif call.remote.done():
                self._take(call, address)
            elif address not in workers:
                call.remote.cancel()
                self._lose(call, f"the worker {address} was lost")
            else:
                continue
            del self._running[address]
        for address in [a for a, ready in workers.items() if ready]:
            if address not in self._running and (call := self._next()):
                options = {**only_on(address), "resources": self._resources}
                call.remote = self._client.submit(
                    run_known, *call.parts, **call.options, **options
                )
                call.remote.add_done_callback(lambda _: self._wake.set())
                self._running[address] = call

    def _next(self) -> "_Call | None":
        """Return the next call that is still wanted."""
        while self._queue:
            call = self._queue.popleft()
            if call.running() or call.set_running_or_notify_cancel():
                return call
        return None

    def _take(self, call: "_Call", address: str) -> None:
        """Hand on what a call has come to."""
        assert call.remote is not None
        try:
            known, result = call.remote.result(timeout=_FETCH_SECONDS)
        except (CancelledError, TimeoutError) as error:
            if call.remote.status == "error":  # raised by the call itself
                call.set_exception(error)
            else:  # it went with the connection, or with its worker
                self._lose(call, f"no result came from the worker {address}")
        except (BrokenExecutor, KilledWorker) as error:
            cause = "its process ended" if isinstance(error, BrokenExecutor) else error
            self._lose(call, f"on the worker {address}, {cause}")
        except Exception as error:
            call.set_exception(error)
        else:
            if known:
                call.set_result(self.received(result))
            else:  # the worker is new, or had another batch between
                call.whole = True
                self._queue.appendleft(call)

    def _lose(self, call: "_Call", cause: str) -> None:
        """Run a call again, unless it has been lost too often."""
        call.losses += 1
        if call.losses < MOST_LOSSES:
            self._queue.appendleft(call)
            return
        call.set_exception(
            WorkerLost(
                f"It was lost with its worker or process {call.losses} times; at last, "
                f"{cause}. This is often a lack of memory."
            )
        )

    def _fail(self) -> None:
        """Let every call that is left fail for what ended the cluster."""
        for call in (*self._queue, *self._running.values()):
            with suppress(Exception):  # one that was cancelled
                if call.running() or call.set_running_or_notify_cancel():
                    call.set_exception(self._fault)
        self._queue.clear()
        self._running.clear()


class _Function:
    """A function that calls have in common, pickled once; its name tells it."""

    def __init__(self, itself: Callable[..., Any]) -> None:
        self.itself, self.content = itself, pickle.dumps(itself)
        self.name = hashlib.sha256(self.content).hexdigest()


class _Call(Future[Any]):
    """A call of the executor, and what it is on the cluster."""

    def __init__(
        self,
        notify: Callable[[], None],
        function: _Function,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> None:
        super().__init__()
        self._function, self._args, self._notify = function, args, notify
        self.options = options
        self.remote: distributed.Future[Any] | None = None
        self.losses, self.unwanted = 0, False
        self.whole = False  # whether the function itself is sent

    @property
    def parts(self) -> tuple[Any, ...]:
        """What a worker runs it by."""
        content = self._function.content if self.whole else None
        return self._function.name, content, *self._args

    def cancel(self) -> bool:
        """Cancel the call; one that runs is ended."""
        self.unwanted = not super().cancel()
        self._notify()
        return not self.unwanted
