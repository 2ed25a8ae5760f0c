/* Attention to touch: a row of keys above a row of queries, the shares between them
   as bands, and the same shares as a matrix. The page computes them; no kernel does. */

const NAMESPACE = "http://www.w3.org/2000/svg";
const DRAWN = ["svg", "g", "path", "rect", "text"];
const BAND = 24; // the width of everything that a query gives away
const KEYS = 46; // heights of the two rows of tokens
const QUERIES = 232;
const STRONG = 0.8; // from here on a cell's text is written in the paper's colour
const MASKS = { none: "none", causal: "causal" };

/** Each query's score with each key: q · k / √d / temperature; -Infinity if hidden. */
export function scores(queries, keys, mask, temperature) {
  const scale = Math.sqrt(queries[0].length) * temperature;
  return queries.map((query, i) =>
    keys.map((key, j) =>
      mask === "causal" && j > i ? -Infinity : dot(query, key) / scale));
}

/** A row of scores as shares: positive, with the sum 1. */
export function softmax(row) {
  const top = Math.max(...row); // else a large score overflows
  const powers = row.map((score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** What each query (a row) gives to each key (a column). */
export function attend(queries, keys, mask, temperature) {
  return scores(queries, keys, mask, temperature).map(softmax);
}

/** The tokens as sentences name them; one that comes twice with its place. */
export function namesOf(tokens) {
  return tokens.map((token, i) =>
    tokens.indexOf(token) === tokens.lastIndexOf(token)
      ? `“${token}”` : `“${token}” (token ${i + 1})`);
}

/** What stands under the picture: about a query's row, a key's column, or a pair. */
export function sentence(names, shares, { by, query, key }) {
  if (by === "key") {
    const share = shares[query][key].toFixed(2);
    return `${names[key]} gets most from ${names[query]}: ${share} of its attention.`;
  }
  const row = shares[query];
  if (by === "pair") {
    if (hidden(row[key], query, key)) {
      return `${names[query]} can't look at ${names[key]}: the mask hides what comes later.`;
    }
    return `${names[query]} looks at ${names[key]} with ${row[key].toFixed(2)} of its attention.`;
  }
  const best = names.filter((_, j) => row[j] > Math.max(...row) - 1e-6);
  const share = Math.max(...row).toFixed(2);
  if (best.length === 1) {
    return `${names[query]} looks at ${best[0]} with ${share} of its attention.`;
  }
  const those = best.length > 3 ? `${best.length} tokens alike`
    : `${best.slice(0, -1).join(", ")} and ${best.at(-1)}`;
  return `${names[query]} looks at ${those}, with ${share} of its attention each.`;
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const hidden = (share, query, key) => share === 0 && key > query;
const largest = (values) => values.indexOf(Math.max(...values));
const short = (value) => (Math.abs(value) < 1e4 ? String(+value.toPrecision(3))
  : value.toExponential(1).replace("e+", "e")).replace("-", "−");
const shown = (share) => (share < 0.005 ? "0" : share.toFixed(2));

function make(tag, attributes = {}, ...children) {
  const element = DRAWN.includes(tag) ? document.createElementNS(NAMESPACE, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Buttons of which one is down, as a named group of radio buttons. */
function makeChoice(title, options, choose) {
  const group = `choice-${Math.random()}`; // two widgets on a page stay apart
  const buttons = Object.entries(options).map(([value, text], i) => {
    const radio = make("input", { type: "radio", name: group, value });
    radio.checked = i === 0;
    radio.addEventListener("change", () => choose(value));
    return make("label", {}, radio, make("span", {}, text));
  });
  return make("fieldset", {}, make("legend", {}, title), ...buttons);
}

function makeSlider(d, choose) {
  const slider = make("input", {
    type: "range", min: 0.25, max: 4, step: 0.25, value: 1, "aria-label": "Temperature",
  });
  const output = make("output");
  const follow = () => {
    const value = Number(slider.value);
    output.textContent = `${value.toFixed(2)}, score = q · k / (√${d} × ${value.toFixed(2)})`;
    slider.setAttribute("aria-valuetext", value.toFixed(2));
    choose(value);
  };
  slider.addEventListener("input", follow);
  follow();
  return make("label", { class: "temperature" }, "Temperature", slider, output);
}

/** Where the middle of each token is, and the width of the row. */
function placesOf(tokens) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "15px system-ui, sans-serif";
  let right = 56; // the row's name stands before it
  const places = tokens.map((token) => {
    const width = Math.max(pen.measureText(token).width + 12, BAND + 12);
    right += width + 4;
    return { x: right - width / 2 - 4, width };
  });
  return { places, width: right };
}

/** The picture: two rows of tokens, and a band for each share. */
function makeRows(tokens, names) {
  const { places, width } = placesOf(tokens);
  const bands = tokens.map((_, query) =>
    tokens.map((_, key) => make("path", { "data-query": query, "data-key": key })));
  const lit = tokens.map(() => make("path", { class: "lit" })); // drawn over the others
  const makeRow = (kind, y) => tokens.map((token, i) => {
    const { x, width } = places[i];
    const box = { x: x - width / 2, y: y - 15, width, height: 30, rx: 7 };
    return make("g", {
      class: "token", role: "button", tabindex: -1, [`data-${kind}`]: i,
      "aria-label": `${kind} ${names[i]}`,
    }, make("rect", box), make("text", { x, y: y + 5 }, token));
  });
  // Beside the tokens, not in them: a button's name has to hold the text it shows.
  const makeNumbers = (kind, y) => places.map(({ x }, i) =>
    make("text", { x, y, class: "number", [`data-${kind}`]: i }));
  const rows = { key: makeRow("key", KEYS), query: makeRow("query", QUERIES) };
  const numbers = {
    key: makeNumbers("key", KEYS - 24), query: makeNumbers("query", QUERIES + 33),
  };
  const title = (text, y) => make("text", { x: 0, y: y + 5, class: "title" }, text);
  const picture = make("svg", {
    viewBox: `0 0 ${width} 276`, width, role: "group",
    "aria-label": "Tokens: keys above, queries below",
  },
  make("g", { fill: "none", "aria-hidden": true }, ...bands.flat(), ...lit),
  title("keys", KEYS), title("queries", QUERIES),
  make("g", { role: "group", "aria-label": "Keys" }, ...rows.key),
  make("g", { role: "group", "aria-label": "Queries" }, ...rows.query),
  make("g", { "aria-hidden": true }, ...numbers.key, ...numbers.query));
  return { picture, bands, lit, rows, numbers, places };
}

/** The matrix: one row per query, one column per key, and the bar of its colours. */
function makeMatrix(tokens) {
  const cells = tokens.map((_, query) => tokens.map((_, key) =>
    make("td", { tabindex: -1, "data-query": query, "data-key": key })));
  const heads = tokens.map((token, key) =>
    make("th", { scope: "col", "data-key": key }, make("span", {}, token)));
  const lines = tokens.map((token, query) => make("tr", {},
    make("th", { scope: "row", "data-query": query }, token), ...cells[query]));
  const corner = make("td", { class: "corner", "aria-hidden": true }, "keys →",
    make("br"), "queries ↓");
  const table = make("table", {
    role: "grid", "aria-label": "Shares: one row per query, one column per key",
  }, make("thead", {}, make("tr", {}, corner, ...heads)), make("tbody", {}, ...lines));
  const bar = make("div", { class: "bar", role: "img", "aria-label": "Colours: 0 to 1" },
    make("span", {}, "0"), make("i"), make("span", {}, "1"), "share");
  return { matrix: make("div", { class: "matrix" }, table, bar), cells, heads, lines };
}

/** Each band leaves its query beside the others, so that all of them add up to 1. */
function drawBands(bands, places, shares) {
  shares.forEach((row, query) => {
    let x = places[query].x - BAND / 2;
    row.forEach((share, key) => {
      const from = x + share * BAND / 2;
      const to = places[key].x;
      x += share * BAND;
      const [low, high] = [QUERIES - 17, KEYS + 17];
      const curve = `M${from} ${low}C${from} ${low - 75} ${to} ${high + 75} ${to} ${high}`;
      bands[query][key].setAttribute("d", curve);
      bands[query][key].setAttribute("stroke-width", share * BAND);
    });
  });
}

/** The arithmetic of one share, from the products to the softmax. */
function explain(entries, query, key, row, place, temperature) {
  const score = row[place];
  const factors = query.map((value, i) => [value, key[i], entries[i] ?? ""])
    .filter(([a, b]) => a * b);
  const terms = factors.map(([a, b, entry]) => `${entry} ${short(a)}×${short(b)}`.trim());
  const sum = short(dot(query, key));
  const spelt = terms.length > 0 && terms.length <= 4 ? `${terms.join(" + ")} = ${sum}` : sum;
  const start = `q · k = ${spelt}; `;
  if (score === -Infinity) {
    return [`${start}the mask puts −∞ in its place; share = e`, make("sup", {}, "−∞"), " = 0"];
  }
  const total = row.reduce((all, each) => all + Math.exp(each), 0);
  const power = Math.exp(score);
  const scaled = `score = ${sum} / (√${query.length} × ${temperature}) = ${short(score)}; `;
  const ratio = Number.isFinite(total) ? ` = ${short(power)} / ${short(total)}` : "";
  return [`${start}${scaled}share = e`, make("sup", {}, short(score)),
    ` / row's sum${ratio} = ${softmax(row)[place].toFixed(2)}`];
}

function render({ model, el }) {
  const { tokens, heads, entries, queries, keys, start, still } = model.get("data");
  const names = namesOf(tokens);
  const state = { head: 0, mask: "none", temperature: 1 };
  let focus = { by: "query", query: start, key: null };
  let shares = [];

  const { picture, bands, lit, rows, numbers, places } = makeRows(tokens, names);
  const { matrix, cells, heads: columns, lines } = makeMatrix(tokens);
  const said = make("p", { class: "said", "aria-live": "polite" });
  const why = make("p", { class: "why" });

  function compute() {
    const { head, mask, temperature } = state;
    shares = attend(queries[head], keys[head], mask, temperature);
    drawBands(bands, places, shares);
    shares.forEach((row, query) => row.forEach((share, key) => {
      const cell = cells[query][key];
      const off = hidden(share, query, key) && mask === "causal";
      tint(cell, share);
      cell.textContent = off ? "" : shown(share);
      cell.classList.toggle("hidden", off);
      if (off) cell.setAttribute("aria-label", "hidden");
      else cell.removeAttribute("aria-label");
    }));
    light();
  }

  /** Show what the focus is on: its bands, cells and numbers, and say it. */
  function light() {
    const { by } = focus;
    const query = focus.query ?? largest(shares.map((row) => row[focus.key]));
    const key = focus.key ?? largest(shares[query]);
    cells.forEach((row, i) => row.forEach((cell, j) => {
      const chosen = i === query && j === key;
      cell.classList.toggle("row", by !== "key" && i === query);
      cell.classList.toggle("column", by === "key" && j === key);
      cell.classList.toggle("pair", by === "pair" && chosen);
      cell.tabIndex = chosen ? 0 : -1;
    }));
    tokens.forEach((_, i) => {
      const band = by === "key" ? bands[i][key] : bands[query][i];
      for (const name of ["d", "stroke-width"]) lit[i].setAttribute(name, band.getAttribute(name));
      lit[i].classList.toggle("pair", by === "pair" && i === key);
      lightToken("query", i, by !== "key", i === query, shares[i][key]);
      lightToken("key", i, by === "key", i === key, shares[query][i]);
      columns[i].classList.toggle("on", by !== "query" && i === key);
      lines[i].classList.toggle("on", by !== "key" && i === query);
    });
    const { head, mask, temperature } = state;
    const words = sentence(names, shares, { by, query, key });
    if (said.textContent !== words) said.textContent = words; // else it is read again
    const row = scores(queries[head], keys[head], mask, temperature)[query];
    why.replaceChildren(...explain(entries, queries[head][query], keys[head][key],
      row, key, temperature));
  }

  /** A token of the row that is asked shows itself, one of the other row its share. */
  function lightToken(kind, i, asked, current, share) {
    const [token, number] = [rows[kind][i], numbers[kind][i]];
    token.classList.toggle("on", asked && current);
    token.setAttribute("aria-pressed", asked && current);
    token.setAttribute("tabindex", current ? 0 : -1);
    number.textContent = asked ? "" : shown(share);
    tint(token, asked ? 0 : share);
  }

  function tint(element, share) {
    element.style.setProperty("--share", `${100 * share}%`);
    element.classList.toggle("strong", share >= STRONG);
  }

  function look(event) {
    const target = event.target.closest?.("[data-query], [data-key]");
    if (!target) return;
    const [query, key] = ["query", "key"].map((kind) =>
      kind in target.dataset ? Number(target.dataset[kind]) : null);
    const by = query === null ? "key" : key === null ? "query" : "pair";
    focus = { by, query, key };
    light();
  }

  /** Arrows move within a row of tokens, between the rows, and in the matrix. */
  function move(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const target = event.target.closest?.("td, .token");
    if (!target || !(event.key in step)) return;
    const [down, right] = step[event.key];
    const { query, key } = target.dataset;
    const grid = target.matches("td") ? cells : [rows.key, rows.query];
    const [i, j] = target.matches("td") ? [+query, +key]
      : [query === undefined ? 0 : 1, +(query ?? key)];
    grid[i + down]?.[j + right]?.focus();
    event.preventDefault();
  }

  const set = (name) => (value) => { state[name] = value; if (shares.length) compute(); };
  const root = make("div", {
    class: "course-touch course-attention", role: "group",
    "aria-label": "Attention to touch", "data-lm-suppress-shortcuts": true,
  },
  make("div", { class: "controls" },
    makeChoice("Head", { ...heads }, set("head")),
    makeChoice("Mask", MASKS, set("mask")),
    makeSlider(queries[0][0].length, set("temperature"))),
  make("div", { class: "views" }, picture, matrix), said, why);
  root.addEventListener("pointerover", look);
  root.addEventListener("focusin", look);
  root.addEventListener("keydown", move);
  // JupyterLab's shortcuts would act on the cell: d d deletes it.
  for (const type of ["keydown", "keypress", "keyup"]) {
    root.addEventListener(type, (event) => event.stopPropagation());
  }
  compute();
  // The picture for pages without a kernel steps back while this one is here.
  const hides = `.${still},.jp-OutputArea-child:has(.${still}){display:none}`;
  el.append(root, make("style", {}, hides));
}

export default { render };
