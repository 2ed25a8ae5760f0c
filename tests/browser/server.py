"""JupyterLab, or Notebook 7, on a copy of the lessons."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "tools" / "jupyter" / "lab.py"  # what `make lab` takes
START_LIMIT = 60  # seconds

# By the host's module: its class, and the path under which one notebook is shown.
HOSTS = {
    "jupyterlab": ("LabApp", "doc/tree/"),
    "notebook": ("JupyterNotebookApp", "notebooks/"),
}
SETTINGS = {
    # Every cell stays on the page, so that pictures show all of it.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "statusbar-extension/plugin": {"visible": False},
}


class Lab:
    """A server of JupyterLab on 127.0.0.1 over a copy of some notebooks.

    Use it as a context manager: its kernels and its folder are gone afterwards.
    It is what `make lab` starts; where `plain`, JupyterLab as it comes. The host may be
    Notebook 7 instead, by the name of its module.
    """

    def __init__(
        self,
        notebooks: list[Path],
        *,
        dark: bool = False,
        plain: bool = False,
        host: str = "jupyterlab",
        env=None,
    ) -> None:
        self._host = host
        self._base = tempfile.TemporaryDirectory(prefix="lab-")
        self.folder = Path(self._base.name) / "notebooks"
        self.folder.mkdir()
        for notebook in notebooks:
            shutil.copy(notebook, self.folder)
        self._write_settings(dark)
        self._config = [] if plain else [f"--config={CONFIG}"]
        self._token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._env = os.environ | self._private_folders() | (env or {})

    def _write_settings(self, dark: bool) -> None:
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        settings = SETTINGS | {"apputils-extension/themes": {"theme": theme}}
        for name, values in settings.items():
            place = f"settings/@jupyterlab/{name}.jupyterlab-settings"
            file = Path(self._base.name) / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")

    def _private_folders(self) -> dict[str, str]:
        base = Path(self._base.name)
        names = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"]
        names += ["JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR"]
        folders = {name: str(base / name.lower()) for name in names}
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        settings = str(base / "settings")
        return folders | {"JUPYTERLAB_SETTINGS_DIR": settings, "PYTHONPATH": path}

    def url(self, notebook: str) -> str:
        """Return the address that shows one notebook alone, without side bars."""
        _, path = HOSTS[self._host]
        return f"{self._address(path)}{notebook}?token={self._token}"

    def _address(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}/{path}"

    def _ask(self, path: str, method: str = "GET"):
        request = urllib.request.Request(self._address(path), method=method)
        request.add_header("Authorization", f"token {self._token}")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=10) as reply:
            return json.loads(reply.read() or "null")

    def __enter__(self) -> "Lab":
        application, _ = HOSTS[self._host]
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.allow_root": True,
            "ServerApp.port": self._port,
            "ServerApp.port_retries": 0,
            "ServerApp.open_browser": False,
            "ServerApp.root_dir": self.folder,
            "IdentityProvider.token": self._token,
            f"{application}.expose_app_in_browser": True,
            "LabApp.extension_manager": "readonly",
        }
        command = [sys.executable, "-m", self._host, *self._config]
        command += [f"--{name}={value}" for name, value in options.items()]
        log = Path(self._base.name) / "server.log"
        with log.open("wb") as out:
            self._server = subprocess.Popen(
                command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=self._env
            )
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end and self._server.poll() is None:
            try:
                self._ask("api/status")
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        self.__exit__()
        raise RuntimeError(f"{self._host} did not start:\n{said}")

    def __exit__(self, *_) -> None:
        try:
            self._ask("api/shutdown", "POST")  # ends the kernels too
            self._server.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            self._server.kill()
            self._server.wait()
        self._base.cleanup()
