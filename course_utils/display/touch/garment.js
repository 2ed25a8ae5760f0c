// Draw a garment: 28 x 28 pixels to draw on; the kernel answers at each stroke.

const SIDE = 28;
const KEPT = 100; // strokes that can be undone
const PATIENCE = 3000; // milliseconds until the page says that the kernel is silent
const SILENT =
  "The kernel has not answered yet. If it is not busy, it was restarted: " +
  "run this cell again.";
const HINT =
  "By keyboard: arrows move, Space draws (hold it and move for a line), " +
  "Backspace erases, Ctrl+Z undoes, Tab leaves.";

/** Make an element; an attribute that is a function listens to the event it names. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const encode = (pixels) => btoa(String.fromCharCode(...pixels));
const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Show pixels, 0 (paper) to 255 (ink), on a canvas. */
function paint(canvas, pixels) {
  canvas.width = canvas.height = SIDE;
  const image = new ImageData(SIDE, SIDE);
  pixels.forEach((ink, i) => image.data.set([255 - ink, 255 - ink, 255 - ink, 255], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** How far the point (x, y) is from the way between two others. */
function distanceToWay(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length ? clamp(((x - ax) * dx + (y - ay) * dy) / length, 0, 1) : 0;
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** The drawing: its pixels, the stroke being drawn, the steps to go back to. */
class Drawing {
  constructor(pixels, origin) {
    Object.assign(this, { pixels, origin, steps: [], stroke: null });
  }

  keep() {
    this.steps.push({ pixels: this.pixels, origin: this.origin });
    if (this.steps.length > KEPT) this.steps.shift();
  }

  replace(pixels, origin) {
    this.keep();
    Object.assign(this, { pixels, origin });
  }

  undo() {
    Object.assign(this, this.steps.pop());
  }

  begin(point, brush) {
    this.keep();
    const cover = new Float32Array(SIDE * SIDE); // how much of each the stroke covers
    this.stroke = { before: this.pixels, cover, last: point, brush };
    this.origin = this.origin.replace(/(, changed)?$/, ", changed");
    this.move(point);
  }

  /** Draw on to a point: ink in the middle of the brush, less over its edge. */
  move(point) {
    const { before, cover, last, brush } = this.stroke;
    this.pixels = before.map((old, i) => {
      const [x, y] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
      const inside = brush.size / 2 + 0.5 - distanceToWay(x, y, last, point);
      cover[i] = Math.max(cover[i], clamp(inside, 0, 1));
      return Math.round(old + (brush.ink - old) * cover[i]);
    });
    this.stroke.last = point;
  }
}

/** The bars: one row per class. */
function makeBars(classes) {
  const rows = classes.map((name) => {
    const bar = make("span");
    const number = make("td");
    const track = make("td", { class: "garment-track", "aria-hidden": "true" }, bar);
    const row = make("tr", {}, make("th", { scope: "row" }, name), track, number);
    return { bar, number, row };
  });
  const caption = make("caption", { class: "garment-head" }, "Probability of each class");
  const table = make("table", {}, caption, make("tbody", {}, ...rows.map(({ row }) => row)));
  const update = (chances) =>
    rows.forEach(({ bar, number, row }, i) => {
      bar.style.width = `${100 * chances[i]}%`;
      number.textContent = chances[i].toFixed(2);
      row.classList.toggle("garment-top", chances[i] === Math.max(...chances));
    });
  return { table, update };
}

/** The row of test images to start from; `choose` gets the one that is clicked. */
function makeShelf(model, choose) {
  const { classes, all, step: length } = model.get("data");
  const wish = (change) => {
    model.set("wish", { ...model.get("wish"), ...change });
    model.save_changes();
  };
  const walk = (ways) => wish({ first: Math.max(0, model.get("shelf").first + ways * length) });
  const of = make("select", { change: () => wish({ of: Number(of.value), first: 0 }) });
  of.append(make("option", { value: all }, "every class"));
  of.append(...classes.map((name, i) => make("option", { value: i }, name)));
  const first = make("input", {
    type: "number",
    min: 1,
    "aria-label": "Number of the first image in the row",
    change: () => wish({ first: Math.max(1, Math.round(first.value)) - 1 }),
  });
  const step = (name, ways, sign) =>
    make("button", { "aria-label": name, click: () => walk(ways) }, sign);
  const [back, on] = [step("Images before these", -1, "‹"), step("Images after these", 1, "›")];
  const total = make("span");
  const thumbs = make("div", { class: "garment-thumbs" });
  const update = () => {
    const shelf = model.get("shelf");
    of.value = shelf.of;
    first.value = shelf.first + 1;
    total.textContent = `of ${shelf.total.toLocaleString("en")}`;
    back.disabled = shelf.first === 0;
    on.disabled = shelf.first + length >= shelf.total;
    thumbs.replaceChildren(
      ...shelf.images.map(({ pixels, origin }) => {
        const click = () => choose(pixels, origin);
        const attributes = { title: origin, "aria-label": `Start from ${origin}`, click };
        return make("button", attributes, paint(make("canvas"), decode(pixels)));
      }),
    );
  };
  const pick = make(
    "div",
    { class: "garment-pick" },
    make("label", {}, "Start from", of),
    make("div", {}, back, first, total, on),
  );
  return { element: make("div", { class: "garment-shelf" }, pick, thumbs), update };
}

/** Brush, eraser, grey, size, undo, clear; `read` tells what the brush is now. */
function makeTools(undo, clear) {
  let erases = false;
  const choose = (choice) => {
    erases = choice;
    draw.setAttribute("aria-pressed", !erases);
    erase.setAttribute("aria-pressed", erases);
  };
  const draw = make("button", { click: () => choose(false) }, "Draw");
  const erase = make("button", { click: () => choose(true) }, "Erase");
  const undoButton = make("button", { click: undo }, "Undo");
  const buttons = [draw, erase, undoButton, make("button", { click: clear }, "Clear")];
  const size = make("input", { type: "range", min: 1, max: 9, value: 3 });
  const ink = make("input", { type: "range", min: 15, max: 255, step: 15, value: 180 });
  const sample = make("span", { class: "garment-ink" });
  const show = () => {
    sample.style.background = `rgb(${Array(3).fill(255 - ink.value)})`;
  };
  ink.addEventListener("input", show);
  show();
  choose(false);
  const sliders = [make("label", {}, "Size", size), make("label", {}, "Grey", ink, sample)];
  return {
    elements: [
      make("div", { class: "garment-line" }, ...buttons),
      make("div", { class: "garment-line" }, ...sliders),
    ],
    read: (rubber = erases) => ({ size: Number(size.value), ink: rubber ? 0 : Number(ink.value) }),
    setUndo: (possible) => (undoButton.disabled = !possible),
  };
}

function render({ model, el }) {
  const { pixels, origin } = model.get("question");
  const drawing = new Drawing(decode(pixels), origin);
  let cursor = [SIDE / 2 + 0.5, SIDE / 2 + 0.5];
  let late = false; // a stroke waits until the question before it is answered
  let asked = model.get("question").n; // the last question this view knows
  let timer = 0;

  const open = () => model.get("question").n !== model.get("answer").n;
  function ask() {
    show();
    late = open();
    if (late) return;
    asked = model.get("question").n + 1;
    const question = { n: asked, pixels: encode(drawing.pixels), origin: drawing.origin };
    model.set("question", question);
    model.save_changes();
    timer = setTimeout(() => wait(SILENT), PATIENCE);
  }
  function wait(sentence) {
    problem.textContent = sentence;
    root.classList.toggle("garment-stale", sentence !== "");
  }
  const change = (action) => (...values) => {
    drawing.stroke = null;
    action(...values);
    ask();
  };
  const choose = change((text, name) => drawing.replace(decode(text), name));
  const clear = change(() => drawing.replace(new Uint8Array(SIDE * SIDE), "Empty canvas"));
  const undo = change(() => drawing.undo());

  const shelf = makeShelf(model, choose);
  const tools = makeTools(undo, clear);
  const bars = makeBars(model.get("data").classes);
  const said = make("p", { class: "garment-said", "aria-live": "polite" });
  const problem = make("p", { class: "garment-problem", role: "status" });
  const name = make("p", { class: "garment-head" });
  const place = make("p", { class: "garment-hint", role: "status" });
  const hint = make("p", { class: "garment-hint" }, HINT);
  const near = make("div", { class: "garment-near" });
  const ring = make("div", { class: "garment-ring", hidden: "" });
  const canvas = make("canvas", {
    tabindex: 0,
    role: "application",
    "aria-label": `Canvas of ${SIDE} by ${SIDE} pixels. ${HINT}`,
  });

  function show() {
    paint(canvas, drawing.pixels);
    name.textContent = drawing.origin;
    tools.setUndo(drawing.steps.length > 0);
  }
  function showAnswer() {
    const answer = model.get("answer");
    clearTimeout(timer);
    wait(answer.problem);
    bars.update(answer.chances);
    if (said.textContent !== answer.said) said.textContent = answer.said;
    const figures = answer.near.map(({ pixels, name, distance }) =>
      make(
        "figure",
        {},
        paint(make("canvas", { "aria-hidden": "true" }), decode(pixels)),
        make("figcaption", {}, make("b", {}, name), make("br"), `distance ${distance.toFixed(1)}`),
      ),
    );
    const head = make("p", { class: "garment-head" }, "Nearest training images");
    near.replaceChildren(head, ...figures);
    if (late) ask();
  }
  function showQuestion() {
    const { n, pixels, origin } = model.get("question");
    if (n <= asked) return;
    asked = n; // drawn in another view of this widget
    drawing.replace(decode(pixels), origin);
    show();
  }

  function showRing(point, visible = true) {
    ring.hidden = !visible;
    const percent = (pixels) => `${(100 * pixels) / SIDE}%`;
    ring.style.width = ring.style.height = percent(tools.read().size);
    [ring.style.left, ring.style.top] = point.map(percent);
  }
  function pointOf(event) {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * SIDE) / box.width,
      ((event.clientY - box.top) * SIDE) / box.height,
    ];
  }
  function draw(point, rubber) {
    if (drawing.stroke) drawing.move(point);
    else drawing.begin(point, tools.read(rubber));
    ask();
  }
  const endStroke = () => (drawing.stroke = null);

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    event.preventDefault();
    draw(pointOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    showRing(pointOf(event), event.pointerType !== "touch");
    if (!drawing.stroke || !(event.buttons & 1)) return;
    for (const part of event.getCoalescedEvents?.() ?? []) drawing.move(pointOf(part));
    draw(pointOf(event));
  });
  for (const end of ["pointerup", "pointercancel", "blur"])
    canvas.addEventListener(end, endStroke);
  for (const end of ["pointerleave", "blur"])
    canvas.addEventListener(end, () => showRing(cursor, false));
  canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && showRing(cursor));

  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function press(event) {
    const way = WAYS[event.key];
    if (way) {
      cursor = cursor.map((old, axis) => clamp(old + way[axis], 0.5, SIDE - 0.5));
      if (drawing.stroke) draw(cursor);
    } else if (event.key === " ") draw(cursor);
    else if (event.key === "Backspace" || event.key === "Delete") draw(cursor, true);
    else return;
    event.preventDefault();
    showRing(cursor);
    const [column, row] = cursor.map(Math.floor);
    const ink = drawing.pixels[row * SIDE + column] / 255;
    place.textContent = `Row ${row}, column ${column}: ${ink.toFixed(2)}`;
  }
  canvas.addEventListener("keydown", press);
  canvas.addEventListener("keyup", (event) => event.key in WAYS || endStroke());

  const columns = [
    make(
      "div",
      { class: "garment-draw" },
      make("div", { class: "garment-sheet" }, canvas, ring),
      name,
      ...tools.elements,
      place,
    ),
    make("div", { class: "garment-say" }, said, bars.table, problem, hint),
    near,
  ];
  const root = make(
    "div",
    // Lumino, JupyterLab's keyboard, looks for no shortcut beyond this attribute.
    { class: "course-touch garment", "data-lm-suppress-shortcuts": "true" },
    shelf.element,
    make("div", { class: "garment-table" }, ...columns),
  );
  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // nor does another frontend get a key that is pressed here
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && drawing.steps.length) {
      event.preventDefault();
      undo();
    }
  });

  const listeners = { answer: showAnswer, question: showQuestion, shelf: shelf.update };
  for (const [key, listen] of Object.entries(listeners)) model.on(`change:${key}`, listen);
  const { still } = model.get("data");
  // The picture for pages without a kernel steps back while this one is here.
  const hides = `.${still},.jp-OutputArea-child:has(.${still}){display:none}`;
  el.append(root, make("style", {}, hides));
  show();
  showAnswer();
  shelf.update();
  return () => {
    clearTimeout(timer);
    for (const [key, listen] of Object.entries(listeners)) model.off(`change:${key}`, listen);
  };
}

export default { render };
