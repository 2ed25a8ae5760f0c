"""The options of commands that can use a Dask cluster."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from course_utils.errors import CourseError

Command = TypeVar("Command", bound=Callable[..., Any])
_OPTIONS = (
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Use the workers of a Dask cluster: tcp://…, or tls://… with Dask's own "
        "settings. Everything needed travels there; no folder has to be shared.",
    ),
    click.option(
        "--dask-local",
        type=click.IntRange(min=1),
        metavar="N",
        help="Use a Dask cluster of N workers on this machine, to try it.",
    ),
    click.option(
        "--resource",
        "resources",
        multiple=True,
        metavar="NAME=NUMBER",
        help="What a worker must offer, as `dask worker --resources` says it.",
    ),
)


def cluster_options(command: Command) -> Command:
    """Add --scheduler, --dask-local and --resource to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def cluster_of(
    scheduler: str | None,
    dask_local: int | None,
    resources: Sequence[str],
    *,
    jobs: int | None,
    confined: bool = False,
    notebooks: bool = False,
) -> Iterator[Executor | None]:
    """Yield the executor that these options ask for; None for this machine's own.

    Args:
        scheduler: see the option, as for the next two.
        dask_local: see the option.
        resources: see the option.
        jobs: the value of --jobs.
        confined: whether workers must be able to confine submissions.
        notebooks: whether it is for `run_batch`.

    Raises:
        CourseError: they contradict each other, or the cluster can't be used.
    """
    if scheduler and dask_local:
        raise CourseError("--scheduler and --dask-local are two clusters: give one.")
    place = scheduler or dask_local
    asked = _parse(resources)
    if not place:
        if asked:
            raise CourseError("--resource is for a cluster: name one with --scheduler.")
        yield None
        return
    if jobs:
        raise CourseError(
            "--jobs is for this machine alone: a cluster has as many as it has workers."
        )
    from course_utils.doctor import require_packages

    require_packages("distributed")
    from course_utils.cluster.connection import connected
    from course_utils.cluster.executor import Cluster
    from course_utils.cluster.notebooks import NotebookCluster

    def tell(sentence: str) -> None:
        click.echo(f"Note: {sentence}", err=True)

    kind = NotebookCluster if notebooks else Cluster
    with connected(place, asked, confined=confined, kind=kind, tell=tell) as cluster:
        yield cluster


def _parse(resources: Sequence[str]) -> Mapping[str, float]:
    """Return what each resource's name is to be, at least."""
    found = {}
    for resource in resources:
        name, _, number = resource.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise CourseError(
                f"--resource {resource} can't be read: say NAME=NUMBER, as GPU=1."
            ) from None
    return found
