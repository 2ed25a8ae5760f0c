"""Calls on a cluster whose workers, and scheduler, come and go."""

import os
import signal
import time
from functools import partial
from multiprocessing import resource_tracker

import psutil
import pytest

from course_utils.cluster import connection, local, members
from course_utils.cluster.connection import connected
from course_utils.cluster.members import SchedulerLost
from course_utils.cluster.worker import run_alone, run_known
from course_utils.errors import CourseError, WorkerLost
from course_utils.runs.processes import await_ends
from tests.cluster import work
from tests.processes import eventually, has_ended

pytestmark = pytest.mark.slow


def started(marker):
    """Return the (parent, process) of each call that has started."""
    lines = marker.read_text().splitlines() if marker.exists() else []
    return [tuple(map(int, line.split())) for line in lines]


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "started"


def on(machines, **more):
    options = {"resources": {}, "confined": False} | more
    return connected(machines.address, **options)


def test_calls_run_beside_the_worker_and_one_at_a_time(machines, marker):
    worker = machines.add("--nthreads", "3")
    told = []
    with on(machines, tell=told.append) as cluster:
        calls = [cluster.submit(work.where, marker) for _ in range(3)]
        failed = cluster.submit(work.fail)
        assert len({call.result(60) for call in calls}) == 1
        assert calls[0].result()[1] == worker.pid != calls[0].result()[0]
        with pytest.raises(OSError, match="no room"):
            failed.result(60)
    (note,) = told
    assert "has 3 threads, and one is used" in note
    with pytest.raises(RuntimeError, match="closed"):
        cluster.submit(work.fail)


@pytest.fixture
def lose(machines, marker, tmp_path):
    """Loses the worker that runs a call, in a given way: another one runs it."""

    def lose(end):
        first = machines.add()
        with on(machines) as cluster:
            call = cluster.submit(work.wait_for, tmp_path / "go", marker)
            eventually(lambda: started(marker))
            second = machines.add()
            end(first)
            eventually(lambda: len(started(marker)) == 2)
            assert not call.done()
            (tmp_path / "go").touch()
            assert call.result(60) == "done"
        assert [parent for parent, _ in started(marker)] == [first.pid, second.pid]

    return lose


def test_call_of_a_killed_worker_runs_on_another_that_came_later(lose, marker):
    lose(lambda worker: worker.kill())
    # What it ran has not outlived the worker.
    eventually(lambda: has_ended(started(marker)[0][1]))


@pytest.mark.parametrize(
    "machines", [{"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10s"}], indirect=True
)
def test_call_of_a_machine_that_falls_silent_runs_on_another(machines, lose):
    """Nobody closes its connections: it lost its power, or a cable was pulled."""
    lose(lambda worker: worker.send_signal(signal.SIGSTOP))


def test_scheduler_that_falls_silent_ends_every_call(
    machines, marker, tmp_path, monkeypatch
):
    monkeypatch.setattr(members, "_LOST_SECONDS", 2)
    machines.add()
    with on(machines) as cluster:
        call = cluster.submit(work.wait_for, tmp_path / "go", marker)
        eventually(lambda: started(marker))
        machines.scheduler.send_signal(signal.SIGSTOP)
        with pytest.raises(SchedulerLost, match="can't be reached any more"):
            call.result(60)
        machines.scheduler.kill()


def test_call_that_runs_out_of_its_own_time_is_not_run_again(machines, marker):
    machines.add()
    with on(machines) as cluster:
        call = cluster.submit(work.be_late, marker)
        with pytest.raises(TimeoutError, match="its own"):
            call.result(60)
    assert len(started(marker)) == 1


def test_function_is_sent_once_to_each_worker(machines, monkeypatch):
    first = machines.add()
    with on(machines) as cluster:
        sent, submit = [], cluster._client.submit

        def watched(function, *args, workers, **options):
            if function is run_known and args[1] is not None:
                sent.extend(workers)
            return submit(function, *args, workers=workers, **options)

        monkeypatch.setattr(cluster._client, "submit", watched)
        function = partial(work.joined, "a")
        calls = [cluster.submit(function, "b") for _ in range(3)]
        assert [call.result(60) for call in calls] == ["ab"] * 3
        assert sent == [first.address]
        second = machines.add()
        first.kill()
        calls = [cluster.submit(function, "c") for _ in range(3)]
        assert [call.result(60) for call in calls] == ["ac"] * 3
        assert sent == [first.address, second.address]
        other = cluster.submit(partial(work.joined, "x"), "y")
        assert other.result(60) == "xy"


def test_call_that_kills_its_process_is_given_up_and_the_worker_is_not(
    machines, marker
):
    machines.add()
    with on(machines) as cluster:
        call = cluster.submit(work.die, marker)
        other = cluster.submit(work.where, marker.with_name("other"))
        with pytest.raises(WorkerLost, match="3 times; at last, on the worker tcp"):
            call.result(120)
        assert other.result(60)
    assert len(started(marker)) == 3


def test_scheduler_that_vanishes_ends_every_call(
    machines, marker, tmp_path, monkeypatch
):
    monkeypatch.setattr(members, "_LOST_SECONDS", 1)
    machines.add()
    with on(machines) as cluster:
        calls = [
            cluster.submit(work.wait_for, tmp_path / "go", marker) for _ in range(2)
        ]
        eventually(lambda: started(marker))
        machines.scheduler.kill()
        for call in calls:
            with pytest.raises(SchedulerLost, match="can't be reached any more"):
                call.result(60)
        with pytest.raises(SchedulerLost):
            cluster.submit(work.fail).result(60)


def test_cluster_that_is_left_ends_what_runs(machines, marker, tmp_path):
    machines.add()
    with on(machines) as cluster:
        cluster.submit(work.wait_for, tmp_path / "go", marker)
        ((_, process),) = eventually(lambda: started(marker))
    eventually(lambda: has_ended(process))


def test_worker_that_comes_late_and_differs_takes_no_part(machines, marker, tmp_path):
    machines.add()
    told = []
    with on(machines, tell=told.append) as cluster:
        other = tmp_path / "other" / "torch-9.9.9.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Name: torch\nVersion: 9.9.9\n")
        path = os.pathsep.join([str(other.parent), os.environ.get("PYTHONPATH", "")])
        late = machines.add(PYTHONPATH=path)
        eventually(lambda: told)
        calls = [cluster.submit(work.where, marker) for _ in range(4)]
        assert late.pid not in {call.result(60)[1] for call in calls}
    (note,) = told
    assert f"{late.address} can't take part: it has torch 9.9.9, and here is" in note
    with pytest.raises(CourseError, match=r"torch 9\.9\.9"), on(machines):
        pass


def test_resource_that_nobody_has_is_refused_at_once(machines, marker):
    machines.add("--resources", "GPU=1 MEM=4")
    begin = time.monotonic()
    with (
        pytest.raises(CourseError, match=r"offers GPU=2; offered are: GPU=1, MEM=4"),
        on(machines, resources={"GPU": 2}),
    ):
        pass
    assert time.monotonic() - begin < members._START_SECONDS
    plain = machines.add()
    with on(machines, resources={"GPU": 1}) as cluster:
        calls = [cluster.submit(work.where, marker) for _ in range(4)]
        assert plain.pid not in {call.result(60)[1] for call in calls}


def test_cluster_without_workers_says_how_to_start_one(machines, monkeypatch):
    monkeypatch.setattr(members, "_START_SECONDS", 0.5)
    with pytest.raises(CourseError, match="dask worker tcp://"), on(machines):
        pass


def test_worker_where_nothing_confines_is_refused(machines, tmp_path):
    machines.add(PATH=str(tmp_path))
    with (
        pytest.raises(CourseError, match=r"can't take part: .*no `bwrap`|This is "),
        on(machines, confined=True),
    ):
        pass


def test_scheduler_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 1)
    with (
        pytest.raises(CourseError, match=r"no Dask scheduler at tcp://127.+:9: "),
        connected("tcp://127.0.0.1:9", {}, confined=False),
    ):
        pass


def test_local_workers_that_do_not_start_are_told_and_ended(monkeypatch):
    monkeypatch.setattr(connection, "_PRELOADED", ["tests.cluster.stuck"])
    monkeypatch.setattr(connection, "_START_SECONDS", 8)
    resource_tracker.ensure_running()  # Python's own, which stays to its end
    before = psutil.Process().children(recursive=True)
    with (
        pytest.raises(CourseError, match="did not start within 8 seconds"),
        connected(1, {}, confined=False),
    ):
        pass
    after = psutil.Process().children(recursive=True)
    assert await_ends([p for p in after if p not in before], 20) == []


def test_local_workers_that_do_not_end_are_killed(monkeypatch, marker):
    def close(cluster, timeout):
        raise TimeoutError

    monkeypatch.setattr(connection.LocalCluster, "close", close)
    with connected(1, {}, confined=False) as cluster:
        _, worker = cluster.submit(work.where, marker).result(120)
    eventually(lambda: has_ended(worker))


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="sessions of POSIX")
def test_local_workers_are_out_of_the_terminals_reach(marker):
    with connected(1, {}, confined=False) as cluster:
        _, worker = cluster.submit(work.where, marker).result(120)
        assert os.getsid(worker) == worker
    eventually(lambda: has_ended(worker))


def test_process_for_calls_ends_with_a_local_worker(marker):
    process, _ = run_alone(work.where, marker)
    assert not has_ended(process)
    local.dask_teardown(None)
    assert has_ended(process)


def test_worker_that_is_told_to_end_does(machines, marker):
    worker = machines.add()
    with on(machines) as cluster:
        ((process, _),) = [cluster.submit(work.where, marker).result(60)]
    worker.terminate()
    assert worker.wait(timeout=60) is not None
    eventually(lambda: has_ended(process))
