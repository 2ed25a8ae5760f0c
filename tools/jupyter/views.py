"""Notebooks that are saved without widget views, for those end with their kernel.

A page that finds a view but not its widget says 'Error displaying widget: model not
found', in place of the picture or the text that the same output also holds. While
the kernel lives, a page that is loaded anew is given the views back.
"""

import sys
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from course_utils.display.bundles import WIDGET_VIEW

Place = tuple[str, int]  # a cell's id, and which of its outputs


def take_views(notebook: dict[str, Any]) -> dict[Place, Any]:
    """Drop the views of outputs that hold another kind of data too; return them."""
    return {
        place: data.pop(WIDGET_VIEW)
        for place, data in _bundles(notebook).items()
        if WIDGET_VIEW in data and len(data) > 1
    }


def put_views(notebook: dict[str, Any], views: dict[Place, Any]) -> None:
    """Put the views back, where their outputs still are."""
    bundles = _bundles(notebook)
    for place in views.keys() & bundles.keys():
        bundles[place][WIDGET_VIEW] = views[place]


def _bundles(notebook: dict[str, Any]) -> dict[Place, dict[str, Any]]:
    return {
        (cell["id"], index): output["data"]
        for cell in notebook["cells"]
        for index, output in enumerate(cell.get("outputs", []))
        if "id" in cell and "data" in output
    }


class LessonContents(AsyncLargeFileManager):
    """The files of JupyterLab; it keeps views as long as their kernel lives."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept: dict[str, tuple[str, dict[Place, Any]]] = {}  # kernel, views

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        if model.get("type") == "notebook" and model.get("content"):
            views = take_views(model["content"])
            self._kept[path] = (await self._kernel(path), views)
        return await super().save(model, path)

    async def get(self, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        model = await super().get(path, *args, **options)
        if model["type"] == "notebook" and model["content"] and path in self._kept:
            kernel, views = self._kept[path]
            if kernel and kernel == await self._kernel(path):
                put_views(model["content"], views)
        return model

    async def _kernel(self, path: str) -> str:
        """Return the id of a notebook's kernel, '' if it has none."""
        sessions = await self.parent.session_manager.list_sessions()
        here = [each for each in sessions if each["path"] == path.strip("/")]
        return here[0]["kernel"]["id"] if here else ""
