"""What a process of a batch does once, before its first task."""

import logging
import os
import signal
import sys
import threading


def prepare_process() -> None:
    """Make a new worker process ready."""
    # Ctrl-C reaches every process of the terminal; the parent alone acts on it. (A
    # function, not SIG_IGN: kernels would inherit that and could not be interrupted.)
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    skip_slow_import()
    for name in ("papermill", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def skip_slow_import() -> None:
    """Keep jsonschema from importing a grammar that takes 2 s to build.

    It is optional there, and checks addresses that no notebook's schema has.
    """
    sys.modules.setdefault("rfc3987_syntax", None)


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent:
        parent.join()
        # The kernel notices that this process is gone, and ends too.
        os._exit(1)
