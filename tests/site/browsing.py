"""The site in Chromium: opened as files, moved by keys, weighed."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from tests.browser.marks import browser_marks

IN_BROWSER = browser_marks(
    # Sphinx's own dependencies warn.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
)

# One more press: how far a control goes until its picture and its sentence change.
PRESSES = 12
MANY = 150  # presses from one end of a slider to the other
SCROLL = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
  }
  // A picture that is folded away is not loaded, and would be waited for without end.
  // So would `decode` of one that the page loads late.
  const seen = [...document.images].filter(image => image.checkVisibility());
  for (const image of seen) image.loading = "eager";
  await Promise.all(seen.map(image => image.complete || new Promise(done => {
    image.addEventListener("load", done);
    image.addEventListener("error", done);
  })));
  scrollTo(0, 0);
}"""
STATE = """root => [
  root.querySelector(".view img").getAttribute("src"),
  root.querySelector(".says").textContent,
  root.querySelector(".course-error").textContent,
  root.offsetHeight,
]"""
# Promises the milliseconds until another picture is there.
WAIT = """root => {
  const image = root.querySelector(".view img"), begin = performance.now();
  window.pictureCame = new Promise(done => image.addEventListener(
    "load", () => done(performance.now() - begin), { once: true }));
}"""
# Loads a playground's table; returns what its controls hold where the goal is reached.
AIM = """async root => {
  const page = JSON.parse(root.querySelector("script[type='application/json']").text);
  if (!page.goal) return null;
  if (!window.courseStates?.[page.name]) await new Promise(done => {
    const source = `${page.folder}/${page.name}.js`;
    document.head.append(Object.assign(
      document.createElement("script"), { src: source, onload: done }));
  });
  const found = Object.entries(window.courseStates[page.name]).find(
    ([, [, , reached]]) => reached);
  if (!found) return [];
  const places = found[0].split(",");
  const held = page.axes.map(({ cell, stops }, n) => [Boolean(cell), stops[places[n]]]);
  // Matrices stand above the other controls.
  return held.sort(([a], [b]) => b - a).map(([, value]) => value);
}"""
# The theme's column scrolls sideways by itself, before the page does.
WIDEST = """() => Math.max(...[document.documentElement,
  ...document.querySelectorAll(".content")].map(box => box.scrollWidth))"""
KEYS = {"range": ["ArrowRight", "ArrowLeft"], "number": ["ArrowUp", "ArrowDown"]}


def seen_whole(page, path: Path) -> int:
    """Open a page, scroll through it, and return the bytes that it has loaded."""
    page.asked.clear()
    page.goto(path.as_uri())
    page.evaluate(SCROLL)
    files = {file_of(url) for url in page.asked if url.startswith("file:")}
    return sum(file.stat().st_size for file in files)


def too_wide(page, site: Path, width: int) -> list[str]:
    """Return the pages that can be scrolled sideways in a window so wide."""
    page.set_viewport_size({"width": width, "height": 900})
    found = []
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        if page.evaluate(WIDEST) > width:
            found.append(path.name)
    return found


def until_first_picture(page, root) -> float:
    """Press a key on a playground's first slider; return the milliseconds it took."""
    root.evaluate(WAIT)
    root.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    return page.evaluate("window.pictureCame")


def file_of(url: str) -> Path:
    """Return the file of a 'file:' address."""
    return Path(unquote(urlparse(url).path))


def reaches_goal(page, root) -> bool:
    """Move a playground to its goal by keys, one control after another."""
    node = root.element_handle()
    aim = page.evaluate(AIM, node)
    if aim is None:  # it has none
        return True
    fields = root.locator(".controls :is(input, select)").all()
    for value, field in zip(aim, fields, strict=bool(aim)):
        _set(page, field, value)
        page.wait_for_function(
            "e => e.querySelector('.status').ariaBusy !== 'true'", arg=node
        )
    return root.locator(".goal").inner_text().endswith("✓ reached")


def _set(page, control, value) -> None:
    """Set a control by keys."""
    control.focus()
    match control.evaluate("e => e.tagName === 'SELECT' ? 'select' : e.type"):
        case "range":
            for _ in range(MANY):
                away = value - float(control.input_value())
                if abs(away) < 1e-6:
                    return
                page.keyboard.press("ArrowRight" if away > 0 else "ArrowLeft")
                page.wait_for_timeout(30)
        case "number":
            control.fill(f"{value:g}")
        case "checkbox":
            if control.is_checked() != value:
                page.keyboard.press("Space")
        case "select":
            control.select_option(str(value))


def moved_controls(page, root) -> Iterator[tuple[str, bool, bool]]:
    """Move each control of a playground by keys.

    Yields:
        Its name, and whether the picture and the sentence changed.
    """
    says = root.locator(".says").inner_text() != ""
    for control in root.locator(".course-playground :is(input, select)").all():
        if control.is_disabled():
            continue
        name = control.evaluate(
            "e => e.ariaLabel ?? e.labels[0]?.textContent ?? e.outerHTML"
        )
        root.locator("button.reset").click()
        yield name, *_moved(page, root, control, says)


def _moved(page, root, control, says: bool) -> tuple[bool, bool]:
    node = root.element_handle()
    before = page.evaluate(STATE, node)
    kind = control.evaluate("e => e.tagName === 'SELECT' ? 'select' : e.type")
    picture, sentence = False, not says
    control.focus()
    for key in KEYS.get(kind, [" ", " "] if kind == "checkbox" else ["ArrowDown"] * 2):
        for _ in range(PRESSES):
            page.keyboard.press("Space" if key == " " else key)
            page.wait_for_timeout(40)
            page.wait_for_function(
                "e => e.querySelector('.status').ariaBusy !== 'true'", arg=node
            )
            now = page.evaluate(STATE, node)
            assert now[2] == "", now[2]
            assert now[3] == before[3], "what is below has moved"
            picture |= now[0] != before[0]
            sentence |= now[1] != before[1]
            if picture and sentence:
                return True, True
    return picture, sentence
