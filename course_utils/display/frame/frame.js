// A playground on the page: a sentence, a goal, a picture and its controls.
//
// The page asks (`asked`: a number, the controls' state, the picture's scale) and
// Python answers (`answered`: the same number, with everything else that changed).
// One question is under way at a time; of the moves made meanwhile only the last
// is asked next. Both are state of the model, so a page that is loaded anew goes on.

const QUIET = 500; // milliseconds without a move until the picture is made sharp
const PATIENCE = 4000; // milliseconds without an answer until the page says so
const FRAME = 400; // milliseconds between two steps of a film
const NO_ANSWER =
  "Python does not answer: it is busy with a cell, or this cell must be run again.";
const ICONS = {
  back: "M10 3 5 8l5 5",
  on: "m6 3 5 5-5 5",
  play: "M5 3l7 5-7 5z",
  pause: "M5.5 3v10M10.5 3v10",
};

let count = 0; // for ids, which tie a label to its control
const page = Math.random().toString(36).slice(2, 8);

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function base64(view) {
  let text = "";
  for (let i = 0; i < view.byteLength; i++) text += String.fromCharCode(view.getUint8(i));
  return btoa(text);
}

function button(name, icon, click) {
  const made = make("button", { type: "button", onclick: click });
  const draw = (name, icon) => {
    made.ariaLabel = made.title = name;
    made.innerHTML =
      `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`;
  };
  draw(name, icon);
  return { made, draw };
}

// Every control is { nodes, show }: what stands beside its name, and how it shows a
// state. A group of fields has no single one that a label could be for.

function slider({ low, high, step }, name, id, move) {
  const digits = Math.max(...[low, step].map(n => (`${n}`.split(".")[1] ?? "").length));
  const input = make("input", { type: "range", id, min: low, max: high, step });
  const readout = make("output", { htmlFor: id });
  input.oninput = () => move(input.valueAsNumber);
  const show = value => {
    input.value = value;
    readout.textContent = input.ariaValueText = value.toFixed(digits).replace("-", "−");
  };
  return { nodes: [input, readout], show };
}

function steps(control, name, id, move, ready) {
  const { nodes: [input, readout], show } = slider(control, name, id, move);
  let timer;
  const at = () => input.valueAsNumber;
  const go = by => move(Math.min(control.high, Math.max(control.low, at() + by)));
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    play.draw(`${name}: play`, "play");
  };
  const tick = () => {
    if (!input.isConnected || at() >= control.high) return stop();
    if (ready()) go(1); // no picture is left out
  };
  const toggle = () => {
    if (timer) return stop();
    play.draw(`${name}: pause`, "pause");
    if (at() >= control.high) move(control.low);
    timer = setInterval(tick, FRAME);
  };
  const back = button(`${name}: one back`, "back", () => { stop(); go(-1); });
  const on = button(`${name}: one on`, "on", () => { stop(); go(1); });
  const play = button(`${name}: play`, "play", toggle);
  return { nodes: [back.made, play.made, on.made, input, readout], show, stop };
}

function matrix({ start, low, high, step }, name, id, move) {
  let held = start;
  const field = (row, column) => {
    const input = make("input", { type: "number", min: low, max: high, step });
    input.ariaLabel = `${name}, row ${row + 1}, column ${column + 1}`;
    input.oninput = () => {
      const value = input.valueAsNumber;
      if (!(low <= value && value <= high)) return; // half typed
      move(held.map((numbers, r) =>
        numbers.map((number, c) => (r === row && c === column ? value : number))));
    };
    input.onchange = () => show(held); // what can't be taken goes
    return input;
  };
  const fields = start.map((numbers, r) => numbers.map((_, c) => field(r, c)));
  const grid = make("span", { className: "matrix", role: "group" }, ...fields.flat());
  grid.setAttribute("aria-label", name);
  grid.style.setProperty("--columns", start[0].length);
  const show = value => {
    held = value;
    fields.forEach((row, r) => row.forEach((input, c) => {
      if (input.valueAsNumber !== value[r][c]) input.value = value[r][c];
    }));
  };
  return { nodes: [grid], show, group: true };
}

function menu({ names }, name, id, move) {
  const options = names.map((text, index) => new Option(text, index));
  const select = make("select", { id }, ...options);
  select.onchange = () => move(select.selectedIndex);
  return { nodes: [select], show: index => { select.selectedIndex = index; } };
}

function toggle(_, name, id, move) {
  const input = make("input", { type: "checkbox", id });
  input.onchange = () => move(input.checked);
  return { nodes: [input], show: value => { input.checked = value; } };
}

function entry(_, name, id, move) {
  const input = make("input", { type: "text", id, autocomplete: "off" });
  input.oninput = () => move(input.value);
  const show = value => { if (input.value !== value) input.value = value; };
  return { nodes: [input], show };
}

const KINDS = { slider, steps, matrix, menu, switch: toggle, entry };

// A key pressed on a control is the control's. To the notebook `d d` deletes the cell,
// and in Notebook 7 an arrow key leaves it: Lumino asks for this attribute, nbclassic
// listens further out. What runs cells or saves goes through.
function keepKeys(root) {
  const own = event => root.contains(event.target) &&
    !(event.ctrlKey || event.metaKey || event.altKey) &&
    !(event.shiftKey && event.key === "Enter");
  const mark = event => { // before Lumino looks
    if (root.contains(event.target))
      event.target.toggleAttribute("data-lm-suppress-shortcuts", own(event));
  };
  const keep = event => {
    if (!own(event)) return;
    event.stopPropagation();
    if (event.key === " " && event.target.type === "range") event.preventDefault();
  };
  window.addEventListener("keydown", mark, true);
  root.addEventListener("keydown", keep);
  return () => window.removeEventListener("keydown", mark, true);
}

function render({ model, el }) {
  const { controls, alt, goal, width, height, still } = model.get("data");
  const sentence = make("p", { className: "says" });
  const target = make("p", { className: "goal" });
  const status = make("div", { className: "status", role: "status" }, sentence, target);
  const picture = make("img", { alt, width, height, decoding: "sync" });
  const failure = make("p", { className: "course-error", role: "alert" });
  const silence = make("p", { className: "silence", role: "status" });
  const groups = make("div", { className: "groups" });
  const grid = make("div", { className: "grid" });
  const panel = make("div", { className: "controls", role: "group" }, groups,
    make("div", { className: "rows" }, grid));
  panel.ariaLabel = "controls";
  const view = make("div", { className: "view" }, picture, failure, silence);
  view.style.setProperty("--width", `${width}px`);
  view.style.setProperty("--ratio", width / height);
  const stage = make("div", { className: "stage" }, view, panel);
  const root = make("div", { className: "course-touch course-playground" },
    status, stage, make("p", { className: "course-caption" }, alt),
    // The picture for pages without a kernel steps back while this one is here.
    make("style", {}, `.${still},.jp-OutputArea-child:has(.${still}){display:none}`));

  let held = model.get("asked").values;
  let waiting = false; // a move is to be asked once the answer is here
  let late = false; // no answer for so long that it may be lost
  let sharpen, impatient;

  const busy = () => model.get("asked").number > model.get("answered");
  const ask = scale => {
    clearTimeout(sharpen);
    clearTimeout(impatient);
    waiting = late = false;
    impatient = setTimeout(() => {
      late = true;
      silence.textContent = NO_ANSWER;
    }, PATIENCE);
    status.ariaBusy = "true"; // is read out when the moves have ended
    const number = model.get("asked").number + 1;
    model.set("asked", { number, scale, values: held });
    model.save_changes();
  };
  const move = values => {
    held = { ...held, ...values };
    show(Object.keys(values));
    if (busy() && !late) waiting = true;
    else ask(shrunk());
  };
  // No more pixels than the page shows: one to one while moving, sharp at rest.
  const shrunk = () => picture.clientWidth / width || 1;
  const rest = () => {
    if (busy() || !root.isConnected) return;
    status.ariaBusy = "false";
    const scale = shrunk() * Math.min(devicePixelRatio, 2);
    if (model.get("asked").scale >= scale) return;
    clearTimeout(sharpen);
    sharpen = setTimeout(() => { if (!busy()) ask(scale); }, QUIET);
  };

  const shown = {};
  const show = (names = Object.keys(shown)) => {
    for (const name of names) shown[name].show(held[name]);
  };
  for (const { kind, name, label, ...control } of controls) {
    const id = `course-${page}-${count++}`;
    const made = KINDS[kind](
      control, label, id, value => move({ [name]: value }), () => !busy());
    shown[name] = made;
    const words = make(made.group ? "span" : "label", { className: "name" }, label);
    if (made.group) words.ariaHidden = "true"; // the group has the name itself
    else words.htmlFor = id;
    const field = make("span", { className: "field" }, ...made.nodes);
    const whole = make("div", { className: "control" }, words, field);
    (made.group ? groups : grid).append(whole);
  }
  const starts = Object.fromEntries(controls.map(({ name, start }) => [name, start]));
  const reset = make("button", { type: "button", className: "reset" }, "Reset");
  reset.onclick = () => {
    for (const { stop } of Object.values(shown)) stop?.();
    move(starts);
  };
  grid.append(reset);

  let bytes;
  const look = async () => {
    if (bytes === model.get("picture")) return;
    bytes = model.get("picture");
    const loaded = new Promise(done => { picture.onload = picture.onerror = done; });
    // Not a blob: fetching one from Chromium's other process takes 10 ms more.
    // A page without a kernel has pictures in files, and gives an address.
    picture.src = typeof bytes === "string"
      ? bytes : `data:image/png;base64,${base64(bytes)}`;
    await loaded;
  };
  const say = () => {
    const { sentence: said, reached, failed } = model.get("said");
    sentence.textContent = said;
    // The page below keeps its place when a longer sentence comes.
    const tall = sentence.offsetHeight;
    if (tall > (parseFloat(sentence.style.minHeight) || 0))
      sentence.style.minHeight = `${tall}px`;
    if (goal) target.textContent = `Goal: ${goal}${reached ? " ✓ reached" : ""}`;
    target.classList.toggle("reached", reached);
    failure.textContent = failed;
  };
  const hear = () => { // all that changed came in one message
    clearTimeout(impatient);
    silence.textContent = "";
    say();
    const looked = look();
    if (waiting) ask(shrunk());
    else looked.then(rest);
  };
  const follow = () => { // another view of this playground moved
    if (!waiting) held = model.get("asked").values;
    show();
  };

  const heard = { "change:answered": hear, "change:asked": follow };
  for (const [event, react] of Object.entries(heard)) model.on(event, react);
  const release = keepKeys(root);
  el.append(root);
  show();
  say();
  look().then(rest);
  return () => {
    for (const [event, react] of Object.entries(heard)) model.off(event, react);
    clearTimeout(sharpen);
    clearTimeout(impatient);
    release();
  };
}

export default { render };
