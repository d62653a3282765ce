// The question that a button with a `confirm` object asks first.

import { make } from "./dom.js";

/** Whether the reader said yes. Escape means no. */
export function confirmed(question, show) {
  const yes = make("button", { value: "yes", class: `button ${question.style ?? "primary"}` }, show(question.confirm));
  const no = make("button", { value: "", class: "button plain" }, show(question.deny));
  const title = make("h2", { id: "question" }, show(question.title));
  const form = make(
    "form",
    { method: "dialog" },
    title,
    show(question.text),
    make("div", { class: "actions" }, no, yes),
  );
  const dialog = make("dialog", { "aria-labelledby": "question" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
  });
}
