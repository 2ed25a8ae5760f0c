// Predictions on a page: the first option that is opened is the answer. It is kept in
// this browser, by the lesson and by the card, and leaves it for nowhere.

(() => {
  const KEY = "layer-by-layer.predictions";
  const lesson = location.pathname.split("/").pop().replace(/\.html$/, "");

  // Where a browser keeps nothing for a page, answers last as long as the page.
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { /* damaged */ }
  if (typeof kept !== "object" || Array.isArray(kept)) kept = {};
  const keep = () => {
    try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* refused */ }
  };

  const isRight = option => option.querySelector("summary + div b")?.textContent.startsWith("✓");
  const verdict = option => option.querySelector("summary + div")?.textContent.trim() ?? "";
  const cards = [...document.querySelectorAll(".course-quiz")].map(root => {
    const options = [...root.querySelectorAll("details.course-option")];
    return { root, options, name: options[0]?.getAttribute("name") };
  }).filter(({ name }) => name);

  // Of a lesson, by card.
  const answers = () => {
    const own = kept[lesson];
    return own && typeof own === "object" ? own : (kept[lesson] = {});
  };

  // Of a card: [index of the first option, was it right]; nothing where none was given.
  const answer = name => {
    const given = answers()[name];
    return Array.isArray(given) ? given : undefined;
  };

  const mark = ({ options, name }) => {
    const [first] = answer(name) ?? [];
    options.forEach((option, index) => {
      option.toggleAttribute("data-first", index === first);
      const says = `your answer ${isRight(option) ? "✓" : "✗"}`;
      if (index === first) option.firstElementChild.dataset.says = says;
      else delete option.firstElementChild.dataset.says;
    });
  };

  const strip = document.querySelector(".site-progress");
  const tell = () => {
    if (!strip || !cards.length) return;
    const given = cards.map(({ name }) => answer(name)).filter(Boolean);
    const right = given.filter(([, wasRight]) => wasRight).length;
    strip.textContent = given.length
      ? `Predictions: ${given.length} of ${cards.length} answered, ${right} right at once.`
      : `${cards.length} predictions on this page.`;
    if (!given.length) return;
    const forget = document.createElement("button");
    forget.type = "button";
    forget.textContent = "Forget them";
    forget.onclick = () => {
      delete kept[lesson];
      keep();
      for (const card of cards) {
        for (const option of card.options) option.open = false;
        mark(card);
      }
      tell();
      strip.focus();
    };
    strip.tabIndex = -1;
    strip.append(" ", forget);
  };

  cards.forEach((card, index) => {
    const { root, options, name } = card;
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", `Prediction ${index + 1} of ${cards.length}`);
    const heard = document.createElement("p"); // what a screen reader reads out
    heard.className = "site-heard";
    heard.setAttribute("role", "status");
    root.append(heard);
    options.forEach((option, place) => {
      option.addEventListener("toggle", () => {
        if (!option.open) return;
        heard.textContent = verdict(option);
        if (answer(name)) return;
        answers()[name] = [place, Boolean(isRight(option))];
        keep();
        mark(card);
        tell();
      });
    });
    mark(card);
  });
  tell();

  // In the list of lessons: how far each has come.
  for (const place of document.querySelectorAll("[data-lesson]")) {
    const own = kept[place.dataset.lesson];
    const given = own && typeof own === "object" ? Object.keys(own).length : 0;
    if (given) place.textContent = ` · ${given} of ${place.dataset.predictions} predicted`;
  }
})();
