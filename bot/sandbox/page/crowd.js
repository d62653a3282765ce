// In the panel "Cognito": a pool with too many people to show each, and the list of those whose passwords leaked.

import { draw, make, outside } from "./dom.js";

/** Shows how many are signed in; `signAllIn()` signs in those who are not. Shows nothing where there is no such pool. */
export function drawCrowd(crowd, signAllIn) {
  const items = crowd ? [{ key: crowd.pool, ...crowd }] : [];
  draw(document.getElementById("crowd"), items, (item) => crowdNode(item, signAllIn));
}

function crowdNode({ pool, pool_id: id, size, there, signed_in: count, hit, leaked }, signAllIn) {
  const words = leaked ? `${count} of ${size} signed in` : `${there} of ${size} have come …`;
  const again = { type: "button", class: "button plain", "data-part": "all", onclick: signAllIn };
  return make(
    "section",
    { "aria-label": `Pool ${pool}` },
    make("h3", {}, make("span", {}, "Pool ", outside(pool), `, ${size} people`), make("code", {}, id)),
    make(
      "div",
      { class: "count" },
      make("progress", { max: size, value: leaked ? count : there, "aria-label": words }),
      make("span", {}, words),
    ),
    make(
      "div",
      { class: "actions" },
      leaked && incident({ hit, leaked }),
      leaked && count < size && make("button", again, "Sign all in again"),
    ),
  );
}

/** The button that puts the list into the clipboard, or shows it where the page may not use that. */
export function incident({ hit, leaked }) {
  const said = make("small", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(leaked);
      said.textContent = "Copied";
    } catch {
      show(leaked);
    }
  };
  const label = `An incident: ${hit} leaked accounts`;
  return [make("button", { type: "button", class: "button plain incident", "data-part": "incident", onclick: copy }, label), said];
}

function show(leaked) {
  const text = make("textarea", { rows: 12, readonly: true, spellcheck: "false", "aria-label": "The list" }, leaked);
  const words = "Your browser does not let this page use the clipboard. Copy the list from here.";
  const close = make("button", { class: "button plain" }, "Close");
  const title = make("h2", { id: "leaked" }, "The leaked accounts");
  const form = make("form", { method: "dialog" }, title, make("p", {}, words), text, make("div", { class: "actions" }, close));
  const dialog = make("dialog", { class: "leaked", "aria-labelledby": "leaked", onclose: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
  text.select();
}
