(() => {
  const root = document.documentElement;
  const asked = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null; // by the button; until then the style sheet follows the system
  const dark = () => (chosen === null ? asked.matches : chosen);
  const show = () => {
    if (chosen !== null) {
      root.dataset.theme = dark() ? "dark" : "light";
    }
    const button = document.getElementById("theme");
    if (button) {
      button.setAttribute("aria-pressed", String(dark()));
    }
  };
  show();
  asked.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      chosen = !dark();
      show();
    });
    show();
  });
})();
