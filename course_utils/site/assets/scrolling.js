// What is wider than its place can be scrolled by keyboard too. The map of the lessons
// begins in its middle, where the first lesson stands.

(() => {
  const wide = () => {
    for (const box of document.querySelectorAll("pre, math[display=block], .table-wrapper")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  for (const plan of document.querySelectorAll(".site-plan"))
    plan.scrollLeft = (plan.scrollWidth - plan.clientWidth) / 2;
  wide();
  addEventListener("resize", wide);
})();
