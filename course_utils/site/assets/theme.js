// The widgets of the lessons ask as in JupyterLab whether the page is light or dark.
// Sphinx calls the captions of its list of pages headings, of no level.

(() => {
  for (const caption of document.querySelectorAll(".caption[role=heading]"))
    caption.ariaLevel = 2;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    const { theme } = document.body.dataset;
    const isDark = theme === "dark" || (theme !== "light" && dark.matches);
    document.body.dataset.jpThemeLight = String(!isDark);
  };
  tell();
  dark.addEventListener("change", tell);
  new MutationObserver(tell).observe(document.body, { attributeFilter: ["data-theme"] });
})();
