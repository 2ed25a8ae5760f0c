"""The connection to a Dask cluster, or a cluster of this machine's own."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import active_children

from distributed import Client, LocalCluster

from course_utils.cluster.executor import Cluster
from course_utils.cluster.members import Members
from course_utils.errors import CourseError
from course_utils.runs.processes import signals_held

_CONNECT_SECONDS = 15
# Of workers on this machine: until they run, and until they have ended by themselves.
_START_SECONDS, _END_SECONDS = 120, 30
_PRELOADED = ["course_utils.cluster.local"]


@contextmanager
def connected(
    scheduler: str | int,
    resources: Mapping[str, float],
    *,
    confined: bool,
    kind: type[Cluster] = Cluster,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Cluster]:
    """Yield an executor on a cluster whose workers have been checked.

    Args:
        scheduler: its address; or a number of workers to start on this machine.
        resources: what a call takes of a worker, by Dask's names.
        confined: whether workers must be able to confine submissions.
        kind: what the executor is.
        tell: see `Members`.

    Raises:
        CourseError: there is no scheduler, or its workers are not fit for the batch.
    """
    # What happens is told by us; Dask would tell it again, at length.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        if isinstance(scheduler, int):
            address = stack.enter_context(_local(scheduler)).scheduler_address
        else:
            address = scheduler
        try:
            client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise CourseError(
                f"there is no Dask scheduler at {address}: start one with `dask "
                "scheduler`, which says its address, as tcp://192.168.0.5:8786."
            ) from error
        stack.callback(client.close, timeout=_CONNECT_SECONDS)
        members = Members(client, resources, confined, tell)
        members.wait()
        cluster = kind(client, members, resources)
        stack.callback(cluster.shutdown, cancel_futures=True)
        yield cluster


@contextmanager
def _local(workers: int) -> Iterator[LocalCluster]:
    """Start a cluster on this machine, and end it.

    Raises:
        CourseError: its workers don't start.
    """
    cluster, before = None, active_children()
    try:
        with signals_held():  # Dask can't close what has started by half
            cluster = _started(workers)
        yield cluster
    finally:
        if cluster:
            with suppress(TimeoutError):
                cluster.close(timeout=_END_SECONDS)
        for child in active_children():
            if child not in before:
                child.kill()


def _started(workers: int) -> LocalCluster:
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            death_timeout=_START_SECONDS,  # without it Dask waits for ever
            preload=_PRELOADED,
        )
    except Exception as error:  # Dask's own cleaning up may fail as well
        raise CourseError(
            "the workers of a cluster on this machine did not start within "
            f"{_START_SECONDS} seconds. Is it short of memory, or busy? Wait, or give "
            "--dask-local a smaller number."
        ) from error
