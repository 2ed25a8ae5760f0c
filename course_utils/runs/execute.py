"""The one way to execute a notebook: papermill, one kernel of this interpreter."""

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from course_utils.files import write_whole
from course_utils.runs.limits import Watch
from course_utils.runs.model import NO_LIMITS, Fault, FaultKind, Limits, one_line
from course_utils.runs.processes import connection_folder
from course_utils.runs.warm import WarmProvisioner

_KERNEL = "python3"

# What went wrong is told by the fault; the libraries' own lines would stand beside it.
_SILENT = logging.Logger("course_utils.runs", logging.CRITICAL + 1)


class Execution(NamedTuple):
    """An executed notebook, what went wrong in it, and the id of the cell in which."""

    notebook: NotebookNode
    fault: Fault | None
    cell: str = ""


def execute(
    notebook: Path | NotebookNode,
    *,
    output: Path | None = None,
    parameters: Mapping[str, object] | None = None,
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
    limits: Limits = NO_LIMITS,
    warm: bool = False,
) -> Execution:
    """Execute a notebook from top to bottom in a new kernel of this interpreter.

    Whatever a cell or the kernel does becomes the fault; a kernel that does not start
    is tried twice. The outputs up to the fault are in the notebook in each case.

    Args:
        notebook: a file, or a notebook, which is not changed.
        output: takes the executed notebook, whatever its fault.
        parameters: injected after the cell tagged `parameters`.
        env: variables to set for the kernel beside this process's own; None removes
            one.
        cwd: the kernel's folder; by default the notebook's, else the current one.
        limits: what the run may use; at a limit it is stopped.
        warm: whether the kernel may be forked from a process that has imported torch;
            only for what runs on the CPU.

    Raises:
        OSError: `notebook` can't be read, or `output` can't be written.
        ValueError: `notebook` is no notebook.

    Example:
        >>> execute(Path("99_none.ipynb"), parameters={"seed": 1})
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: '99_none.ipynb'
    """
    parameters = dict(parameters or {})
    variables = kernel_environment(parameters, env)
    if isinstance(notebook, Path):
        cwd = cwd or notebook.parent
        text = notebook.read_text(encoding="utf-8-sig")
        notebook = nbformat.reads(text, as_version=4)
    executed = load_notebook_node(notebook)
    if parameters:
        executed = parameterize_notebook(
            executed, parameters, kernel_name=_KERNEL, language="python"
        )
    fault, cell = _run(executed, variables, cwd or Path.cwd(), limits, warm)
    if fault and fault.kind is FaultKind.NO_KERNEL:
        # Kernels that start together can choose the same port; then one gives up.
        fault, cell = _run(executed, variables, cwd or Path.cwd(), limits)
    if output:
        write_whole(output, nbformat.writes(executed))
    return Execution(executed, fault, cell if fault else "")


def kernel_environment(
    parameters: Mapping[str, object], env: Mapping[str, str | None] | None = None
) -> dict[str, str]:
    """Return a kernel's whole environment: this process's, changed by `env`.

    A run that names its device is not sent to another by COURSE_DEVICE.
    """
    variables: dict[str, str | None] = {**os.environ, **(env or {})}
    # Silences a warning of the debugger, which no run uses.
    variables["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    if "device" in parameters:
        variables["COURSE_DEVICE"] = None
    return {name: value for name, value in variables.items() if value is not None}


def _run(
    notebook: NotebookNode,
    env: dict[str, str],
    cwd: Path,
    limits: Limits,
    warm: bool = False,
) -> tuple[Fault | None, str]:
    """Execute `notebook` in place, as papermill's own engine does, without saving.

    Returns the fault, and the id of the last cell that began.
    """
    with connection_folder(env) as folder:
        kernel = _Kernel(
            kernel_name=_KERNEL,
            connection_file=str(folder / "kernel.json"),
            log=_SILENT,
        )
        return _run_in(kernel, notebook, env, cwd, limits, warm)


def _run_in(
    kernel: "_Kernel",
    notebook: NotebookNode,
    env: dict[str, str],
    cwd: Path,
    limits: Limits,
    warm: bool,
) -> tuple[Fault | None, str]:
    if warm:
        spec = kernel.kernel_spec
        kernel.provisioner = WarmProvisioner(kernel_spec=spec, parent=kernel)
    manager = NotebookExecutionManager(notebook, progress_bar=False)
    with tempfile.TemporaryFile() as log, Watch(kernel, limits, log) as watch:
        client = _Client(
            manager,
            watch=watch,
            km=kernel,
            kernel_name=_KERNEL,
            # The graceful way took seconds in one run of twenty.
            shutdown_kernel="immediate",
            on_cell_execute=watch.begin,
            on_cell_executed=watch.end,
            log=_SILENT,
        )
        options = {"env": env, "cwd": str(cwd), "stdout": log, "stderr": log}
        manager.notebook_start()
        try:
            try:
                client.execute(cleanup_kc=True, **options)
            finally:
                manager.notebook_complete()
            raise_for_execution_errors(notebook, None)
            fault = _early_end(notebook)
        except PapermillExecutionError as error:
            fault = _raised(error)
        except DeadKernelError:
            fault = _dead_kernel(watch)
        except (RuntimeError, TimeoutError) as error:
            # nbclient has no kind of its own for a kernel that never answers.
            fault = Fault.unforeseen(error) if watch.count else _no_kernel(log)
    return watch.fault or fault, watch.cell


class _Kernel(AsyncKernelManager):
    """A kernel of this interpreter; a registered "python3" may be another."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())


class _Client(PapermillNotebookClient):
    """Puts no more output into the notebook than the watch admits.

    It removes the folder of the connection before the first cell, when the kernel has
    read it: this process, killed while cells run, leaves nothing there.
    """

    def __init__(
        self, manager: NotebookExecutionManager, *, watch: Watch, **options: Any
    ) -> None:
        super().__init__(manager, **options)
        self._watch = watch

    def papermill_execute_cells(self) -> None:
        assert self.km
        shutil.rmtree(Path(self.km.connection_file).parent, ignore_errors=True)
        super().papermill_execute_cells()

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        if self._watch.admits(msg):
            return super().process_message(msg, cell, cell_index)
        return None


def _raised(error: PapermillExecutionError) -> Fault:
    """Describe the error that a cell raised; a CourseError's message is enough."""
    message = one_line(error.evalue)
    if error.ename == "CourseError":
        return Fault(FaultKind.RAISED, message)
    where = f"Cell [{error.exec_count}] raised {error.ename}"
    return Fault(FaultKind.RAISED, f"{where}: {message}" if message else f"{where}.")


def _dead_kernel(watch: Watch) -> Fault:
    """Describe a kernel that ended by itself, from its exit code (-9: killed)."""
    code = watch.process.poll() if watch.process else None
    how = "it ended" if code is None else f"its process ended with exit code {code}"
    if code is not None and code < 0:
        names = {number.value: number.name for number in signal.Signals}
        name = names.get(-code, f"signal {-code}")
        memory = ", which is often a lack of memory" if name == "SIGKILL" else ""
        how = f"it was killed by {name}{memory}"
    cause = f"The kernel died in cell [{watch.count}]: {how}."
    return Fault(FaultKind.DEAD_KERNEL, cause)


def _no_kernel(log: IO[bytes]) -> Fault:
    """Describe a kernel that never answered, by the last line that it wrote."""
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    reason = one_line(lines[-1]) if lines else "it gave no answer"
    cause = f"The kernel did not start: {reason.rstrip('.')}."
    return Fault(FaultKind.NO_KERNEL, cause)


def _early_end(notebook: NotebookNode) -> Fault | None:
    """Describe a notebook that ended before its last cell, as after `exit()`."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    done = [cell for cell in cells if cell.execution_count is not None]
    if len(done) == len(cells):
        return None
    return Fault(
        FaultKind.ENDED_EARLY,
        f"The notebook left off in cell [{len(done)}] of {len(cells)}: "
        "a cell of a lesson must not exit.",
    )
