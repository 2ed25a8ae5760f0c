// Playgrounds without a kernel: every state was drawn when the site was built. The
// playground itself is that of the lessons and stands above; what answers it here is a
// table: of each state the picture, the sentence, and whether the goal is reached. A
// state is known by one place for each axis; an axis is a control or one number of a
// matrix. Widgets to touch compute in the page, as in the lessons.

(() => {
const load = source => new Promise((done, fail) => {
  const script = Object.assign(document.createElement("script"), { src: source });
  script.onload = done;
  script.onerror = fail;
  document.head.append(script);
});

const decoded = source => {
  const image = new Image();
  image.src = source;
  return image.decode();
};

// Where on its axis a value lies: a number at the nearest stop, but not where it was, so
// that a small step leads to the next stop.
const place = ({ stops }, value, before) => {
  if (typeof value !== "number") return Math.max(0, stops.indexOf(value));
  const distances = stops.map(stop => Math.abs(stop - value));
  const nearest = distances.indexOf(Math.min(...distances));
  if (nearest !== before || distances[nearest] < 1e-9) return nearest;
  const next = nearest + Math.sign(value - stops[nearest]);
  return Math.min(Math.max(next, 0), stops.length - 1);
};

const values = (page, places) => {
  const held = Object.fromEntries(page.controls.map(
    ({ name, start }) => [name, structuredClone(start)]));
  page.axes.forEach(({ name, stops, cell }, axis) => {
    if (cell) held[name][cell[0]][cell[1]] = stops[places[axis]];
    else held[name] = stops[places[axis]];
  });
  return held;
};

const placesOf = ({ axes }, held, before) => axes.map((axis, n) => place(
  axis,
  axis.cell ? held[axis.name][axis.cell[0]][axis.cell[1]] : held[axis.name],
  before[n],
));

// Takes the part of a widget's model, which in a lesson speaks with Python: `answer`
// gets the names of what the page has set, and `tell`, which says that a name changed.
function modelOf(state, answer) {
  const listeners = {};
  const tell = name => (listeners[`change:${name}`] ?? []).forEach(react => react());
  let changed = new Set();
  return {
    get: name => state[name],
    set: (name, value) => {
      state[name] = value;
      changed.add(name);
    },
    save_changes: () => {
      const names = changed;
      changed = new Set();
      return answer(names, tell);
    },
    on: (name, react) => (listeners[name] ??= []).push(react),
    off: (name, react) => {
      listeners[name] = (listeners[name] ?? []).filter(other => other !== react);
    },
  };
}

// The table of a playground or a widget, loaded when it is first asked for.
const tableOf = async ({ folder, name }) => {
  if (!window.courseStates?.[name]) await load(`${folder}/${name}.js`);
  return window.courseStates[name];
};

function drawn(page) {
  const rest = page.axes.map(({ rest }) => rest);
  const state = {
    data: page,
    asked: { number: 0, scale: Infinity, values: values(page, rest) },
    answered: 0,
    picture: `${page.folder}/${page.picture}`,
    said: page.said,
  };
  let places = rest;
  let recent = []; // axes away from their start, the last moved last

  // The state that was drawn and is nearest to the wished one. What was moved moves the
  // same way, if by another step; what rests stays there, and of the others those keep
  // their places that were moved last.
  const drawnFor = (table, wished) => {
    const moved = axesWhere(axis => wished[axis] !== places[axis]);
    const kept = recent.filter(axis => !moved.includes(axis)).reverse();
    const resting = axesWhere(axis => !moved.includes(axis) && !kept.includes(axis));
    const order = [...resting, ...kept, ...moved];
    if (table[wished.join()]) return [wished, moved];
    const way = (state, axis) => Math.sign(state[axis] - places[axis]);
    const states = Object.keys(table).map(key => key.split(",").map(Number))
      .filter(state => moved.every(axis => way(state, axis) === way(wished, axis)));
    const far = (state, axis) => Math.abs(state[axis] - wished[axis]);
    const [nearest] = states.sort((a, b) => order.reduce(
      (found, axis) => found || far(a, axis) - far(b, axis), 0));
    return [nearest ?? wished, moved];
  };

  const axesWhere = test => rest.flatMap((_, axis) => test(axis) ? [axis] : []);

  const go = (table, wished) => {
    const [state, moved] = drawnFor(table, wished);
    places = state;
    recent = [...recent.filter(axis => !moved.includes(axis)), ...moved]
      .filter(axis => places[axis] !== rest[axis]);
  };

  // The next stops of the control that moves, so that it moves at once.
  const fetchAhead = table => {
    const axis = recent.at(-1);
    if (axis === undefined) return;
    for (const by of [-1, 1]) {
      let next = places[axis];
      do next += by; while (
        page.axes[axis].stops[next] !== undefined &&
        !table[places.with(axis, next).join()]);
      const found = table[places.with(axis, next).join()];
      if (found) new Image().src = `${page.folder}/${found[0]}`;
    }
  };

  const answer = async (_, tell) => {
    const { number, values: wished } = state.asked;
    let failed = "";
    try {
      const table = await tableOf(page);
      go(table, placesOf(page, wished, places));
      const [picture, sentence, reached] = table[places.join()];
      const source = `${page.folder}/${picture}`;
      await decoded(source);
      Object.assign(state, { picture: source, said: { sentence, reached, failed } });
      fetchAhead(table);
    } catch {
      failed = "The picture of this state is missing: load the page again.";
      state.said = { ...state.said, failed };
    }
    state.asked = { number, scale: Infinity, values: values(page, places) };
    state.answered = number;
    tell("asked");
    tell("answered");
  };

  return modelOf(state, answer);
}

// Room for the tallest of these texts, so that what is below keeps its place.
const reserve = (node, texts) => {
  const { textContent } = node;
  const heights = texts.map(text => {
    node.textContent = text;
    return Math.ceil(node.getBoundingClientRect().height); // a line may be 24.3 high
  });
  node.style.minHeight = `${Math.max(...heights)}px`;
  node.textContent = textContent;
};

const note = ({ complete }) => complete ? "" :
  "Not every combination is drawn on this page: while one control is away from its " +
  "start, another may move in larger steps or go back. In the lesson itself they move " +
  "freely.";

for (const root of document.querySelectorAll(".site-moving")) {
  const page = JSON.parse(root.querySelector("script[type='application/json']").text);
  const still = root.querySelector("[class^='course-still']")?.className ?? "";
  const el = document.createElement("div");
  window.courseWidgets.Frame.render({ model: drawn({ ...page, still }), el });
  for (const entry of el.querySelectorAll("input[type=text]")) entry.disabled = true;
  const said = note(page);
  if (said) el.append(Object.assign(
    document.createElement("p"), { className: "site-soft", textContent: said }));
  root.append(el);
  reserve(el.querySelector(".says"), page.longest);
  if (page.goal) reserve(el.querySelector(".goal"), [`Goal: ${page.goal} ✓ reached`]);
}

const STROKES = "On this page the network answers for the test images alone: pick one " +
  "above. Your own strokes it answers in the lesson.";

// The garment's canvas asks a network; here a table has its answers to the test images.
function prepared({ state, ...page }) {
  const answer = async (names, tell) => {
    const table = await tableOf(page).catch(() => undefined); // said as a problem
    if (names.has("wish") && table?.shelves[state.wish.of]) {
      state.shelf = table.shelves[state.wish.of];
      tell("shelf");
    }
    if (names.has("question")) {
      const { n, pixels } = state.question;
      const found = table?.answers[pixels];
      const problem = found ? "" : STROKES;
      state.answer = { ...(found ?? state.answer), n, problem };
      tell("answer");
    }
  };
  return modelOf(state, answer);
}

const touch = async root => {
  const page = JSON.parse(root.querySelector("script[type='application/json']").text);
  await load(`../_static/touch-${page.kind}.js`);
  const el = document.createElement("div");
  page.state.data.still = "course-still-none";
  window.courseWidgets[page.kind].render({ model: prepared(page), el });
  root.querySelector(".site-still").hidden = true;
  root.append(el);
};
document.querySelectorAll(".site-touch").forEach(touch);
})();
