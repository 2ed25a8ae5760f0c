"use strict";
(() => {
  const form = document.querySelector("#filter");
  const [text, exercise, state] = form.querySelectorAll("input, select");
  const told = form.querySelector("output");
  const rows = [...document.querySelectorAll("tr[data-search]")].map((row) => ({
    row,
    text: row.dataset.search.toLowerCase(),
    // Of the whole submission.
    states: row.dataset.states.split(","),
    // Of its answers.
    marks: [...row.querySelectorAll("td[data-exercise]")].map((cell) => cell.dataset),
  }));

  const fits = ({ text: own, states, marks }, words) => {
    if (!words.every((word) => own.includes(word))) return false;
    const asked = marks.filter((m) => !exercise.value || m.exercise === exercise.value);
    if (!state.value) return !exercise.value || asked.length > 0;
    const [kind, name] = state.value.split(":");
    return kind === "row" ? states.includes(name) : asked.some((m) => m.state === name);
  };

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of rows) {
      entry.row.hidden = !fits(entry, words);
      shown += !entry.row.hidden;
    }
    told.value = `${shown} of ${rows.length} shown`;
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  filter(); // a browser keeps what was typed when a page is loaded again
})();
