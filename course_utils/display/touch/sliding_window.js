// The page of the sliding window. It stands behind window_arithmetic.js in one module.

const PACE = 800; // milliseconds between two steps of Play
const HINT = "Drag the window, point at an output, or use the arrow keys.";
const SKELETON = `
  <div class="bar settings"></div>
  <div class="stage">
    <div class="beam"></div>
    <div class="panel">
      <p class="title">input <b class="input-size"></b></p>
      <div class="board">
        <div class="grid input" role="img"></div>
        <div class="frame" role="slider" tabindex="0" aria-label="window over the input"></div>
      </div>
    </div>
    <div class="panel middle">
      <div>
        <p class="title"><span class="name"></span> <b class="kernel-size"></b></p>
        <div class="grid kernel" role="group"></div>
      </div>
      <p class="sum" aria-live="polite" aria-atomic="true"></p>
    </div>
    <div class="panel">
      <p class="title">output <b class="output-size"></b></p>
      <div class="grid output" role="group"></div>
      <p class="scale" aria-hidden="true"></p>
    </div>
  </div>
  <p class="size"></p>
  <div class="bar">
    <button type="button" class="back">‹ Back</button>
    <button type="button" class="play">▶ Play</button>
    <button type="button" class="step">Step ›</button>
    <button type="button" class="reset">Reset</button>
    <p class="note" role="status"></p>
  </div>`;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A row of options, one of them chosen. */
function choices(label, options, pick) {
  const group = make("div", { className: "choices", ariaLabel: label }, make("span", {}, label));
  group.setAttribute("role", "radiogroup");
  const name = `choices-${Math.random()}`; // radio buttons are one group by their name
  for (const option of options) {
    const radio = make("input", { type: "radio", name, value: option });
    radio.addEventListener("change", () => pick(option));
    group.append(make("label", {}, radio, make("span", {}, option)));
  }
  return group;
}

/** A number on its colour, which is the stronger the larger its share of `largest`. */
function cell(tag, number, largest, tone) {
  const text = write(number);
  const element = make(tag, { className: `cell ${tone}` }, make("span", {}, text));
  element.style.setProperty("--chars", Math.max(text.length, 2));
  const share = Number.isFinite(number) ? Math.min(1, Math.abs(number) / largest) : 0;
  element.style.setProperty("--share", `${Math.round(100 * share)}%`);
  return element;
}

class SlidingWindow {
  constructor(root, data) {
    Object.assign(this, { root, data, image: data.image, pools: data.kind !== "convolution" });
    root.innerHTML = SKELETON;
    root.classList.toggle("pools", this.pools);
    this.part = (name) => root.querySelector(`.${name}`);
    this.buildSettings();
    this.listen();
    this.reset();
  }

  buildSettings() {
    const { kernels, limit } = this.data;
    const square = (size) => Array.from({ length: size }, () => Array(size).fill(1));
    const offer = (name, options, setting = (value) => ({ [name]: value })) =>
      choices(name, options, (option) => this.change(setting(option)));
    const window = this.pools
      ? [
          offer("kind", ["max", "average"]),
          offer("window", [2, 3], (size) => ({ kernel: square(size) })),
        ]
      : [offer("kernel", Object.keys(kernels), (name) => ({ kernel: kernels[name] }))];
    this.groups = [
      ...window,
      offer("stride", [1, 2, 3]),
      offer("padding", this.pools ? [0, 1] : [0, 1, 2]),
      offer("dilation", this.pools ? [1, 2] : [1, 2, 3]),
    ];
    this.part("settings").append(...this.groups);
    this.part("scale").append(...[-limit, 0, limit].map((end) => make("span", {}, write(end))));
  }

  reset() {
    const { kind, kernel, stride, padding, dilation } = this.data;
    Object.assign(this, { row: 0, column: 0 });
    this.change({ kind, kernel, stride, padding, dilation });
  }

  /** Take new settings, or say why not. */
  change(settings) {
    this.play(false);
    const next = { ...this.state, ...settings };
    const sentence = refusal(this.image, next);
    if (!sentence) {
      this.state = next;
      if (settings.kernel) this.drawKernel();
      this.draw();
    }
    this.markChosen();
    this.say(sentence);
  }

  say(sentence) {
    const note = this.part("note");
    note.textContent = sentence || HINT;
    note.classList.toggle("refused", Boolean(sentence));
  }

  markChosen() {
    const { kernels } = this.data;
    const same = (name) => String(kernels[name]) === String(this.state.kernel);
    const kernel = Object.keys(kernels).find(same);
    const chosen = { ...this.state, kernel, window: this.state.kernel.length };
    for (const group of this.groups)
      for (const radio of group.querySelectorAll("input"))
        radio.checked = radio.value === String(chosen[group.ariaLabel]);
  }

  /** The kernel's cells: fields to type into, or the numbers in the window. */
  drawKernel() {
    const columns = this.state.kernel[0].length;
    const cells = this.state.kernel.flat().map((weight, index) => {
      const [row, column] = [Math.floor(index / columns), index % columns];
      const shown = () => make("span", { className: "cell" });
      const element = this.pools ? shown() : this.field(weight, row, column);
      element.dataset.tap = index;
      return element;
    });
    this.part("name").textContent = this.pools ? "window" : "kernel";
    this.part("kernel").ariaLabel = this.pools ? "window" : "kernel, to type into";
    this.part("kernel").style.setProperty("--columns", columns);
    this.part("kernel").replaceChildren(...cells);
  }

  field(weight, row, column) {
    const ariaLabel = `weight in row ${row + 1}, column ${column + 1}`;
    const field = make("input", { value: writeWeight(weight), ariaLabel, autocomplete: "off" });
    field.addEventListener("input", () => this.typeWeight(field, row, column));
    field.addEventListener("focus", () => field.select());
    return field;
  }

  typeWeight(field, row, column) {
    const weight = parse(field.value);
    field.ariaInvalid = weight === null;
    if (weight !== null) {
      const kernel = this.state.kernel.map((weights) => [...weights]);
      kernel[row][column] = weight;
      this.state = { ...this.state, kernel };
      this.draw();
      this.markChosen();
    }
    const invalid = this.part("kernel").querySelector("[aria-invalid=true]");
    const typed = invalid?.value ? `“${invalid.value}”` : "An empty cell";
    this.say(invalid && `${typed} is no number: type one such as 2, −0.5 or 1/9.`);
  }

  /** Draw what changes with the settings; `show` draws what moves. */
  draw() {
    const { image, state } = this;
    this.output = slide(image, state);
    this.drawInput();
    this.drawOutput();
    const by = (grid) => `${grid.length}×${grid[0].length}`;
    const around = state.padding ? ` + ${state.padding} around` : "";
    this.part("input-size").textContent = by(image) + around;
    this.part("kernel-size").textContent = by(state.kernel);
    this.part("output-size").textContent = by(this.output);
    this.part("size").replaceChildren(...this.sizeSentence());
    this.show(this.row, this.column);
  }

  drawInput() {
    const { image, state } = this;
    const { kind, padding } = state;
    const windows = this.output.flatMap((numbers, row) =>
      numbers.flatMap((_, column) => windowAt(image, state, row, column)),
    );
    const used = new Set(windows.map(({ y, x }) => `${y} ${x}`));
    const largest = Math.max(...image.flat().map(Math.abs)) || 1;
    const [rows, columns] = [image.length + 2 * padding, image[0].length + 2 * padding];
    const cells = Array.from({ length: rows * columns }, (_, index) => {
      const [y, x] = [Math.floor(index / columns), index % columns];
      const number = image[y - padding]?.[x - padding];
      const element = cell("span", number ?? border(kind), largest, "grey");
      element.classList.toggle("border", number === undefined);
      element.classList.toggle("unused", !used.has(`${y} ${x}`));
      return element;
    });
    const words = image.map((numbers) => numbers.map(write).join(" ")).join("; ");
    this.part("input").ariaLabel = `input, row by row: ${words}`;
    this.part("input").replaceChildren(...cells);
    this.part("input").style.setProperty("--columns", columns);
    this.part("stage").style.setProperty("--most", Math.max(rows, columns));
    this.part("stage").classList.toggle("small", Math.max(rows, columns) > 9);
    this.columns = columns;
  }

  drawOutput() {
    const { output, pools } = this;
    const tone = (number) => (pools ? "grey" : number < 0 ? "minus" : "plus");
    const buttons = output.flatMap((numbers, row) =>
      numbers.map((number, column) => {
        const button = cell("button", number, this.data.limit, tone(number));
        const ariaLabel = `row ${row + 1}, column ${column + 1}: ${write(number)}`;
        button.addEventListener("pointerover", () => this.moveByHand(row, column));
        button.addEventListener("focus", () => this.moveByHand(row, column));
        return Object.assign(button, { type: "button", ariaLabel });
      }),
    );
    this.part("output").ariaLabel = `output, ${output.length} by ${output[0].length}`;
    this.part("output").style.setProperty("--columns", output[0].length);
    this.part("output").replaceChildren(...buttons);
  }

  /** The output's size in words, then with its numbers; twice where the sides differ. */
  sizeSentence() {
    const { image, state, output } = this;
    const { stride, padding, dilation } = state;
    const words = "size = ⌊(input + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1";
    const along = (side) => {
      const room = `${side(image)} + 2·${padding} − ${dilation}·(${side(state.kernel)} − 1)`;
      return `⌊(${room} − 1) / ${stride}⌋ + 1 = ${side(output)}`;
    };
    const [down, across] = [along((grid) => grid.length), along((grid) => grid[0].length)];
    const numbers = down === across ? down : `${down} down, ${across} across`;
    const count = this.root.querySelectorAll(".unused:not(.border)").length;
    const unused = count ? ` ${count} inputs are in no window (hatched).` : "";
    return [words, make("b", {}, ` = ${numbers}.`), unused];
  }

  /** Put the window where it gives one output, and write the calculation. */
  show(row, column) {
    const { image, state, output } = this;
    const inside = (place, count) => Math.max(0, Math.min(count - 1, place));
    this.row = inside(row, output.length);
    this.column = inside(column, output[0].length);
    const taps = windowAt(image, state, this.row, this.column);
    this.markTaps(taps);
    this.writeSum(taps);
    this.placeFrame(taps);
    this.placeBeam();
    const [index, last] = [this.row * output[0].length + this.column, output.flat().length - 1];
    [...this.part("output").children].forEach((button, i) => {
      button.classList.toggle("ahead", i > index);
      button.ariaCurrent = i === index;
      button.tabIndex = i === index ? 0 : -1;
    });
    this.part("back").disabled = index === 0;
    this.part("step").disabled = index === last;
  }

  markTaps(taps) {
    const [inputs, kernel] = [this.part("input").children, this.part("kernel").children];
    for (const element of inputs) {
      delete element.dataset.tap;
      delete element.dataset.weight;
      element.classList.remove("winner");
    }
    const largest = reduce(taps, "max");
    const winner = this.state.kind === "max" ? taps.findIndex((tap) => tap.value === largest) : -1;
    taps.forEach(({ y, x, value, weight }, index) => {
      const input = inputs[y * this.columns + x];
      input.dataset.tap = index;
      if (this.pools) kernel[index].textContent = write(value);
      else input.dataset.weight = `×${writeWeight(weight)}`;
      for (const element of [input, kernel[index]])
        element.classList.toggle("winner", index === winner);
    });
  }

  writeSum(taps) {
    const { open, terms, result } = spell(taps, this.state.kind);
    const parts = terms.map(({ value, weight, sign }, index) => {
      const numbers = [make("b", {}, value), make("i", {}, weight)];
      const term = make("span", {}, index ? "" : open, ...numbers, sign);
      term.dataset.tap = index;
      return term;
    });
    this.part("sum").style.setProperty("--columns", this.state.kernel[0].length);
    this.part("sum").replaceChildren(...parts, make("strong", {}, result));
  }

  placeFrame([{ x, y }]) {
    const { kernel } = this.state;
    const [wide, high] = [span(kernel[0].length, this.state), span(kernel.length, this.state)];
    const { row, column, output } = this;
    const frame = this.part("frame");
    for (const [name, value] of Object.entries({ x, y, wide, high }))
      frame.style.setProperty(`--${name}`, value);
    frame.ariaValueMin = 1;
    frame.ariaValueMax = output.flat().length;
    frame.ariaValueNow = row * output[0].length + column + 1;
    frame.ariaValueText = `row ${row + 1}, column ${column + 1}: ${write(output[row][column])}`;
    this.covered = { x, y, wide, high };
  }

  /** A beam from the window's right side to the output cell. */
  placeBeam() {
    const board = this.part("board");
    const index = this.row * this.output[0].length + this.column;
    const button = this.part("output").children[index];
    const side = board.clientWidth / this.columns;
    const { x, y, wide, high } = this.covered;
    const [left, top] = [board.offsetLeft + side * (x + wide), board.offsetTop + side * y];
    const corners = [
      [left, top],
      [button.offsetLeft, button.offsetTop],
      [button.offsetLeft, button.offsetTop + button.offsetHeight],
      [left, top + side * high],
    ];
    const path = corners.map(([right, down]) => `${right}px ${down}px`).join(", ");
    this.part("beam").style.clipPath = `polygon(${path})`;
  }

  /** Move by places in reading order. */
  step(by) {
    const columns = this.output[0].length;
    const last = this.output.flat().length - 1;
    const index = Math.max(0, Math.min(last, this.row * columns + this.column + by));
    this.show(Math.floor(index / columns), index % columns);
  }

  moveByHand(row, column) {
    this.play(false);
    this.show(row, column);
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = null;
    if (on) {
      if (this.part("step").disabled) this.show(0, 0);
      this.timer = setInterval(() => {
        this.step(1);
        if (this.part("step").disabled) this.play(false);
      }, PACE);
    }
    this.root.classList.toggle("playing", on);
    this.part("play").textContent = on ? "❚❚ Pause" : "▶ Play";
    this.part("sum").ariaLive = on ? "off" : "polite"; // a voice can't follow
  }

  listen() {
    const click = (name, act) => this.part(name).addEventListener("click", act);
    click("back", () => this.pressStep(-1));
    click("step", () => this.pressStep(1));
    click("play", () => this.play(!this.timer));
    click("reset", () => this.reset());
    for (const place of [this.part("board"), this.part("output")])
      place.addEventListener("keydown", (event) => this.pressKey(event, place));
    for (const kind of ["pointerover", "focusin"])
      this.part("stage").addEventListener(kind, (event) => this.light(event.target));
    for (const kind of ["pointerdown", "pointermove"])
      this.part("board").addEventListener(kind, (event) => this.drag(event));
    this.resized = new ResizeObserver(() => this.placeBeam());
    this.resized.observe(this.part("stage"));
  }

  pressStep(by) {
    this.play(false);
    this.step(by);
  }

  pressKey(event, place) {
    const columns = this.output[0].length;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    const by = { ...steps, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault(); // else the page scrolls
    this.pressStep(by);
    if (place === this.part("output")) place.querySelector("[aria-current=true]").focus();
  }

  /** Light what belongs together: an input, its weight, their product. */
  light(target) {
    const tap = target.closest("[data-tap]")?.dataset.tap;
    for (const element of this.root.querySelectorAll("[data-tap]"))
      element.classList.toggle("lit", element.dataset.tap === tap);
  }

  drag(event) {
    if (!(event.buttons & 1)) return;
    const board = this.part("board");
    if (event.type === "pointerdown") {
      event.preventDefault(); // no text is selected
      board.setPointerCapture(event.pointerId);
      this.part("frame").focus({ preventScroll: true });
    }
    const box = board.getBoundingClientRect();
    const { wide, high } = this.covered;
    const place = (pixels, cells) =>
      Math.round(((pixels * this.columns) / box.width - cells / 2) / this.state.stride);
    this.moveByHand(place(event.clientY - box.top, high), place(event.clientX - box.left, wide));
  }

  remove() {
    this.play(false);
    this.resized.disconnect();
  }
}

export default {
  render({ model, el }) {
    const root = make("div", { className: "course-touch slide" });
    // `d d` would delete the cell: JupyterLab, which listens before the page does,
    // leaves alone what has this attribute; others listen after.
    root.setAttribute("data-lm-suppress-shortcuts", "true");
    root.addEventListener("keydown", (event) => event.stopPropagation());
    const { still } = model.get("data");
    // The picture for pages without a kernel steps back while this one is here.
    const hides = `.${still},.jp-OutputArea-child:has(.${still}){display:none}`;
    el.append(root, make("style", {}, hides));
    const view = new SlidingWindow(root, model.get("data"));
    return () => view.remove();
  },
};
