// What is wider than its place can be scrolled by keyboard too.

(() => {
  const wide = () => {
    for (const box of document.querySelectorAll("pre, math[display=block], .table-wrapper")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  wide();
  addEventListener("resize", wide);
})();
