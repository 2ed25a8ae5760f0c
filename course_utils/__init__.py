"""Shared helpers for the lessons. The layers themselves are written in the notebooks.

The names are listed in `__init__.pyi`. Each is imported when it is first used, so that
`course --help` does not wait for torch.
"""

import os

import lazy_loader

# Before torch loads OpenMP: its idle threads spin by default, and where another
# program wants the core, a small network then trains ten times slower and more.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
