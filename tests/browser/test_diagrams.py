"""Diagrams as Chromium draws them: where their texts stand."""

import pytest

from course_utils.display.diagrams.diagram import diagram_names, load_diagram
from tests.browser.marks import browser_marks
from tests.browser.page import Browser

pytestmark = browser_marks(
    pytest.mark.all,  # a browser each, and nothing of the lessons
)

# What is wrong with the texts of the page's SVG, a sentence each. A text's box is as
# high as its font, so `ink` leaves out what no letter here reaches.
FAULTS = """() => {
  const svg = document.querySelector('svg');
  const page = svg.viewBox.baseVal;
  const all = selector => [...svg.querySelectorAll(selector)];
  const edges = b =>
    ({left: b.x, right: b.x + b.width, top: b.y, bottom: b.y + b.height});
  const texts = all('text').map(text => {
    const box = edges(text.getBBox());
    return {words: text.textContent, ...box, top: box.top + 3, bottom: box.bottom - 3};
  });
  const shapes = all('rect:not(.paper, .card), circle:not([class*=dot])')
    .map(shape => ({...edges(shape.getBBox()), round: shape.tagName === 'circle'}));
  const points = all('.line, .state').flatMap(path => {
    const steps = Math.ceil(path.getTotalLength() / 2);
    return Array.from({length: steps + 1}, (_, k) =>
      path.getPointAtLength(path.getTotalLength() * k / steps));
  });
  const meet = (a, b, gap) => a.left < b.right + gap && b.left < a.right + gap &&
    a.top < b.bottom + gap && b.top < a.bottom + gap;
  const within = (a, b, gap) => a.left >= b.left + gap && a.right <= b.right - gap &&
    a.top >= b.top + gap && a.bottom <= b.bottom - gap;
  const inCircle = (a, b) => {
    const [x, y] = [(b.left + b.right) / 2, (b.top + b.bottom) / 2];
    const far = Math.hypot(Math.max(x - a.left, a.right - x),
      Math.max(y - a.top, a.bottom - y));
    return far < (b.right - b.left) / 2;
  };
  const faults = [];
  texts.forEach((text, index) => {
    const say = what => faults.push(`'${text.words}' ${what}`);
    if (!within(text, edges(page), 4)) say('leaves the picture');
    for (const other of texts.slice(index + 1))
      if (meet(text, other, 1)) say(`meets '${other.words}'`);
    for (const shape of shapes.filter(shape => meet(text, shape, 1)))
      if (!(shape.round ? inCircle(text, shape) : within(text, shape, 3)))
        say('leaves its box');
    if (points.some(({x, y}) => meet(text, {left: x, right: x, top: y, bottom: y}, 2)))
      say('is crossed by a line');
  });
  return {texts: texts.length, faults};
}"""


@pytest.fixture(scope="module")
def page():
    with Browser(width=800, height=600) as chromium:
        yield chromium.blank()


@pytest.mark.parametrize("name", diagram_names())
def test_texts_stand_in_their_boxes_and_clear_of_each_other(page, name):
    page.set_content(load_diagram(name).drawing)
    found = page.evaluate(FAULTS)
    assert found["texts"] > 8
    assert found["faults"] == []


def test_a_misplaced_text_is_found(page):
    right, wrong = 'x="158" y="249"', 'x="176" y="249"'
    drawing = load_diagram("lstm").drawing.replace(right, wrong)
    page.set_content(drawing)
    assert page.evaluate(FAULTS)["faults"] == ["'σ' leaves its box"]
