// A button that opens a short list of what can be done.

import { icon, make } from "./dom.js";

/** `items` are {label, note, chosen}. It closes once one is chosen, on Escape, and when the keyboard leaves it. */
export function menu(name, drawing, items) {
  const summary = make("summary", { "aria-label": name, title: name, "data-part": "menu" }, icon(drawing));
  const rows = items.map(({ label, note, chosen }) => {
    const choose = () => {
      close();
      chosen();
    };
    return make("li", {}, make("button", { type: "button", onclick: choose }, label, make("small", {}, note)));
  });
  const node = make("details", { class: "menu", onfocusout: leave, onkeydown: key }, summary, make("ul", {}, rows));
  return node;

  function close() {
    node.open = false;
  }

  function leave({ relatedTarget }) {
    if (!node.contains(relatedTarget)) close();
  }

  function key(event) {
    if (event.key !== "Escape" || !node.open) return;
    event.stopPropagation();
    close();
    summary.focus();
  }
}
