"""Prove the course: lint, tests, every lesson against its stored outputs.

    python tools/prove.py [--cuda] [PART ...]

Parts are lint, tests and lessons; without a name, all of them. Each part runs even
where an earlier one failed, and the last line says how it ended.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.lessons import NBVAL  # noqa: E402 - found by the line above

# One notebook stays with one worker, because its cells share a kernel.
WORKERS = str(min(4, max(2, os.cpu_count() or 2)))
PYTEST = ["pytest", "--color=auto"]
PARALLEL = [*PYTEST, "-q", "-n", WORKERS, "--dist", "loadscope"]
NO_GPU = "No GPU that torch can use here, so the lessons were not run on CUDA."
PARTS = {
    "lint": [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["codespell_lib"],
        ["tools.lessons", "check"],
    ],
    "tests": [[*PARALLEL, "-m", "not cuda", "tests"]],
    "lessons": [[*PARALLEL, *NBVAL, "notebooks"]],
}
CUDA = {"cuda": [[*PYTEST, "-rs", "-m", "cuda", "tests/test_cuda.py"]]}


def gpu_is_there():
    """Return whether torch can use a GPU."""
    import torch

    return torch.cuda.is_available()


def environment():
    """Return the variables of a part: one thread a kernel, the CPU unless told."""
    defaults = {"OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**defaults, **os.environ, "PYTHONPATH": path}


def prove(commands):
    """Run the commands of a part; return whether all succeeded."""
    passed = True
    for module, *arguments in commands:
        command = [sys.executable, "-m", module, *arguments]
        print(f"$ {module} {' '.join(arguments)}", flush=True)
        done = subprocess.run(command, cwd=ROOT, env=environment())
        passed &= done.returncode == 0
    return passed


def main() -> int:
    """Run the command line; return 0 where everything passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--cuda", action="store_true", help="the lessons on a GPU")
    options = parser.parse_args()
    parts = CUDA if options.cuda else PARTS
    if unknown := set(options.parts) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    ended = []
    for name in options.parts or parts:
        started = time.monotonic()
        passed = prove(parts[name])
        took = time.monotonic() - started
        ended.append(
            (passed, f"{name} {'passed' if passed else 'FAILED'} {took:.0f} s")
        )
    everything = all(passed for passed, _ in ended)
    print(f"\n{', '.join(words for _, words in ended)}")
    if everything and options.cuda and not gpu_is_there():
        print(NO_GPU)
    else:
        print("Everything passed." if everything else "Not everything passed.")
    return 0 if everything else 1


if __name__ == "__main__":
    sys.exit(main())
