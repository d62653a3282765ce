// Where there is no room for all, the sidebar and the panels open one at a time; Escape or a click beside closes.

const buttons = [...document.querySelectorAll(".drawer-button")];

/** Opens the drawer called `id`, or with null closes the one that is open. */
function open(id) {
  const was = document.body.dataset.open;
  document.body.dataset.open = id ?? "";
  for (const button of buttons)
    button.setAttribute("aria-expanded", String(button.getAttribute("aria-controls") === id));
  if (id) document.getElementById(id).focus();
  else if (was && document.getElementById(was).contains(document.activeElement)) {
    buttons.find((button) => button.getAttribute("aria-controls") === was).focus();
  }
}

/** Closes what lies over the messages, so that they can be seen. */
export function uncover() {
  if (matchMedia("(max-width: 900px)").matches) open(null);
}

export function startDrawers() {
  for (const button of buttons) {
    const id = button.getAttribute("aria-controls");
    button.addEventListener("click", () => open(document.body.dataset.open === id ? null : id));
  }
  document.getElementById("scrim").addEventListener("click", () => open(null));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.dataset.open && !document.querySelector("dialog[open]")) open(null);
  });
}

/** Dark or light: as the system says, until somebody presses the switch; then as they said. */
export function startTheme() {
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (localStorage.getItem("theme") ?? (system.matches ? "dark" : "light")) === "dark";
  const show = () => {
    document.documentElement.dataset.theme = dark() ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark()));
  };
  button.addEventListener("click", () => {
    localStorage.setItem("theme", dark() ? "light" : "dark");
    show();
  });
  system.addEventListener("change", show);
  show();
}
