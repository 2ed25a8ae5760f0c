"""Prove the course: lint, tests, every lesson against its stored outputs.

    python tools/prove.py [--cuda] [PART ...]

Parts are lint, tests and lessons; without a name, all of them. Tests and lessons
share one pool of workers, so that none waits for the other. Each part runs even where
an earlier one failed, and the last line says how it ended.
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

# One more than cores, for a worker often waits: for a kernel, a browser, a time limit.
# conftest.py says what stays together on one worker.
WORKERS = str(min(4, max(2, os.cpu_count() or 2)) + 1)
PYTEST = ["pytest", "--color=auto"]
# In the order of collection: lessons are slower than tests, so they come first.
PARALLEL = [*PYTEST, "-q", "-n", WORKERS, "--dist", "loadscope"]
PARALLEL += ["--no-loadscope-reorder", "-m", "not cuda"]
NO_GPU = "No GPU that torch can use here, so the lessons were not run on CUDA."
LINT = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["codespell_lib"],
    ["course_utils.cli", "refresh", "--check"],
]
TESTED = {"lessons": [*NBVAL, "notebooks"], "tests": ["tests"]}
PARTS = ["lint", *TESTED]
CUDA = [[*PYTEST, "-rs", "-m", "cuda", "tests/test_cuda.py"]]


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


def plan(chosen):
    """Return the commands of each part; tests and lessons are one."""
    commands = {"lint": LINT} if "lint" in chosen else {}
    if tested := [name for name in TESTED if name in chosen]:
        paths = [word for name in tested for word in TESTED[name]]
        commands[" and ".join(tested)] = [[*PARALLEL, *paths]]
    return commands


def main() -> int:
    """Run the command line; return 0 where everything passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--cuda", action="store_true", help="the lessons on a GPU")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if options.cuda and options.parts:
        parser.error("--cuda is a run of its own: give it no part.")
    ended = []
    commands = {"cuda": CUDA} if options.cuda else plan(options.parts or PARTS)
    for name, lines in commands.items():
        started = time.monotonic()
        passed = prove(lines)
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
