"""JupyterLab as `make lab` starts it: `jupyter lab --config tools/jupyter/lab.py`.

It asks nothing (settings/overrides.json: no news, no updates), and opening a lesson
does not change it: JupyterLab writes what the kernel says about its language into the
notebook, so the kernel (kernels/python3) leaves out the one part that differs from
machine to machine, Python's version. The rest is what lessons store. A lesson that
was run, saved and opened again shows its pictures (views.py).
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from views import LessonContents  # noqa: E402

# Where kernels are looked for first; this Python is the one that starts them.
os.environ["JUPYTER_PATH"] = os.pathsep.join(
    filter(None, [str(HERE), os.environ.get("JUPYTER_PATH")])
)

c = get_config()  # noqa: F821 - given by the loader of this file
c.Application.log_level = "WARN"
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.contents_manager_class = LessonContents
c.ServerApp.root_dir = str(HERE.parents[1] / "notebooks")
c.ServerApp.allow_root = hasattr(os, "getuid") and os.getuid() == 0
c.LabApp.default_url = "/lab/tree/00_start_here.ipynb"
c.LabApp.news_url = None
c.LabApp.app_settings_dir = str(HERE / "settings")
# A type checker that is installed for the tests is no reason to open pop-ups.
c.LanguageServerManager.autodetect = False
