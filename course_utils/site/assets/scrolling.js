// What is wider than its place can be scrolled by keyboard too. The map of the lessons
// begins in its middle, where the first lesson stands.

(() => {
  const boxes =
    "pre, math[display=block], .table-wrapper, .output.text_html:has(table), " +
    ".site-moving .view";
  const wide = () => {
    for (const box of document.querySelectorAll(boxes)) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  for (const plan of document.querySelectorAll(".site-plan"))
    plan.scrollLeft = (plan.scrollWidth - plan.clientWidth) / 2;
  wide();
  addEventListener("load", wide); // playgrounds have their pictures by then
  addEventListener("resize", wide);
})();
