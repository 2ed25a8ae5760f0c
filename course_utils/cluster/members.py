"""The workers of a cluster that may take part in a batch."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from distributed import Client, Future

from course_utils.cluster.facts import collect_facts, unlike
from course_utils.errors import CourseError

_START_SECONDS = 60.0
_LOST_SECONDS = 30.0
_TICK_SECONDS = 0.2


class SchedulerLost(CourseError):
    """The cluster can't be reached any more, or has no worker left."""


class Members:
    """Knows which workers take part: those that have what it takes.

    A worker that comes is asked what it has. One that differs from this machine in what
    verdicts depend on takes no part.

    Args:
        client: connected to the cluster.
        resources: what each worker must offer, by Dask's names.
        confined: whether workers must be able to confine submissions.
        tell: called with a sentence about a worker that is left out.
    """

    def __init__(
        self,
        client: Client,
        resources: Mapping[str, float],
        confined: bool,
        tell: Callable[[str], None],
    ) -> None:
        self._client: Any = client  # its types know only of asynchronous calls
        self._resources = resources
        self._confined, self._tell = confined, tell
        self._own = collect_facts(confined=False)
        self._asked: dict[str, Future[Any]] = {}
        self._fit: set[str] = set()
        self._unfit: dict[str, str] = {}
        self._told: set[str] = set()
        self._reached = self._met = time.monotonic()

    def wait(self) -> None:
        """Wait until every worker that is there has answered, and one is.

        Raises:
            CourseError: one of them differs, none offers the resources, none came.
        """
        until = time.monotonic() + _START_SECONDS
        while True:
            self.look()
            if self._unfit:
                raise CourseError(" ".join(self._unfit.values()))
            if self._fit and not self._asked:
                return
            if time.monotonic() > until:
                break
            time.sleep(_TICK_SECONDS)
        if not self._fit:
            raise CourseError(
                "no worker of the cluster has answered: start one with `dask worker "
                f"{self._client.scheduler.address} --nthreads 1`, or wait until one is "
                "free."
            )

    def look(self) -> dict[str, bool]:
        """Return the workers that take part, and whether each takes a call now.

        Raises:
            SchedulerLost: neither scheduler nor workers have been seen for long.
            CourseError: no worker offers the resources.
        """
        workers = self._workers()
        for address in [a for a in self._asked if a not in workers]:
            self._asked.pop(address).cancel()
        self._fit &= set(workers)
        self._unfit = {a: why for a, why in self._unfit.items() if a in workers}
        able = {a: w for a, w in workers.items() if self._offers(w)}
        if workers and not able and not self._fit:
            raise CourseError(self._nobody_offers(workers))
        for address in able:
            if address not in (*self._fit, *self._asked, *self._unfit):
                self._asked[address] = self._client.submit(
                    collect_facts, self._confined, **only_on(address), priority=10
                )
        for address in [a for a, answer in self._asked.items() if answer.done()]:
            self._take(address, workers[address], self._asked.pop(address))
        if self._fit:
            self._met = time.monotonic()
        elif not self._asked and time.monotonic() - self._met > 2 * _START_SECONDS:
            raise SchedulerLost("The cluster has no worker left that can take part.")
        return {a: workers[a]["status"] == "running" for a in self._fit}

    def _workers(self) -> dict[str, dict[str, Any]]:
        """Return what the scheduler knows of its workers.

        A client that has lost the scheduler tries to connect again for a while; all its
        futures are cancelled then.
        """
        while True:
            try:
                if self._client.status != "running":
                    raise OSError(self._client.status)
                # A worker may be listed before it runs.
                identity = self._client.sync(
                    self._client.scheduler.identity, callback_timeout=_LOST_SECONDS
                )
            except (OSError, AttributeError, TimeoutError) as error:
                away = time.monotonic() - self._reached
                if away > _LOST_SECONDS or self._client.status == "closed":
                    raise SchedulerLost(
                        "The scheduler of the cluster can't be reached any more."
                    ) from error
                time.sleep(_TICK_SECONDS)
            else:
                self._reached = time.monotonic()
                return identity["workers"]

    def _offers(self, worker: Mapping[str, Any]) -> bool:
        offered = worker["resources"]
        return all(offered.get(name, 0) >= n for name, n in self._resources.items())

    def _nobody_offers(self, workers: Mapping[str, dict[str, Any]]) -> str:
        asked = ", ".join(f"{name}={n:g}" for name, n in self._resources.items())
        every = [pair for w in workers.values() for pair in w["resources"].items()]
        known = {f"{name}={n:g}" for name, n in every}
        there = ", ".join(sorted(known)) or "none"
        return (
            f"no worker of the cluster offers {asked}; offered are: {there}. Start one "
            f"with `dask worker … --resources {asked.replace(', ', ' ')!r}`, or leave "
            "out --resource."
        )

    def _take(
        self, address: str, worker: Mapping[str, Any], answer: "Future[Any]"
    ) -> None:
        """Let a worker take part, or not, for what it has answered."""
        if answer.status in ("cancelled", "lost"):
            return  # it is asked again
        where = f"The worker {address} can't take part"
        if answer.status == "error":
            error = answer.exception()
            why = f"it can't run the course's code ({error}): install the same there"
        else:
            why = unlike(answer.result(timeout=_START_SECONDS), self._own)
        if not why:
            self._fit.add(address)
            self._tell_threads(address, worker["nthreads"])
            return
        self._unfit[address] = f"{where}: {why}."
        self._tell_once(self._unfit[address])

    def _tell_threads(self, address: str, threads: int) -> None:
        if threads > 1:
            self._tell_once(
                f"The worker {address} has {threads} threads, and one is used: `dask "
                f"worker … --nworkers {threads} --nthreads 1` makes {threads} workers."
            )

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(sentence)


def only_on(address: str) -> dict[str, Any]:
    """Return the options of `Client.submit` for a call of this worker's alone."""
    return {"workers": [address], "allow_other_workers": False, "pure": False}
