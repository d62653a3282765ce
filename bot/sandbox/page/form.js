// The form that the bot opened before this person: a modal dialog. What is typed stays while the form changes.

import { draw, make } from "./dom.js";
import { block } from "./blocks.js";
import { setError } from "./inputs.js";

const dialog = document.getElementById("form");
const sheet = dialog.querySelector("form");
const title = document.getElementById("form-title");
const body = dialog.querySelector(".body");
const footer = dialog.querySelector("footer");
const trouble = dialog.querySelector("[role=alert]");
const told = dialog.querySelector("[role=status]");

const typed = new Map(); // by `nameOf` an input: what stands in it
let shown = null; // the form as the sandbox sent it
let dismissed = null; // the id of one that was closed here
let sending = false;
let lookAtErrors = false;
let complaint = null; // what went wrong between here and the sandbox
let does = {}; // what can be done with a form: submit, act and close, each answering null or a sentence

/** Wires the dialog up. */
export function startForms(doings) {
  does = doings;
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    if (!shown) return;
    dismissed = shown.id;
    shown = null;
    does.close({ view: dismissed });
  });
  sheet.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  sheet.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
  });
}

/** Shows the form that is open, if one is. `view` is app.js's. */
export function drawForm(form, view) {
  if (!form || form.id === dismissed) {
    shown = null;
    dialog.close();
    return;
  }
  const before = shown;
  const opens = before?.id !== form.id;
  const changes = !opens && JSON.stringify(before.view) !== JSON.stringify(form.view);
  if (opens) typed.clear();
  if (opens || changes) complaint = null;
  shown = form;
  const around = { ...view, press: act, answer };
  title.replaceChildren(block(form.view.title, around));
  const blocks = form.view.blocks.map((part) => ({ key: `${form.id} ${part.type} ${part.block_id}`, part }));
  draw(body, blocks, ({ part }) => block(part, around));
  draw(footer, buttons(form), (item) => button(item, around));
  showBusy();
  showTrouble();
  showErrors(form.errors);
  if (!dialog.open) dialog.showModal();
  if (opens || !dialog.contains(document.activeElement)) start();
  if (changes) tell();
}

function buttons({ view }) {
  const close = { key: "close", text: view.close ?? { type: "plain_text", text: view.submit ? "Cancel" : "Close" } };
  return view.submit ? [close, { key: "submit", text: view.submit }] : [close];
}

function button({ key, text }, around) {
  if (key === "submit") {
    return make("button", { type: "submit", class: "button primary", "data-part": key }, block(text, around));
  }
  const close = () => dialog.close();
  return make("button", { type: "button", class: "button plain", onclick: close, "data-part": key }, block(text, around));
}

/** An input keeps what was typed as long as it is the same input, as in Slack. */
function nameOf({ block_id, element }) {
  return JSON.stringify([block_id, element.type, element.action_id, element.options]);
}

function valueOf(part) {
  const { initial_value: text, initial_option: option } = part.element;
  return typed.get(nameOf(part)) ?? shown.answered[part.block_id] ?? text ?? option?.value ?? "";
}

function answer(part) {
  return {
    value: valueOf(part),
    changed: (value) => typed.set(nameOf(part), value),
    dispatch: part.dispatch_action ? () => act({ action_id: part.element.action_id }) : null,
  };
}

/** What is in the form now, by block. */
function answers() {
  const inputs = shown.view.blocks.filter(({ type }) => type === "input");
  return Object.fromEntries(inputs.map((part) => [part.block_id, valueOf(part)]));
}

async function act(what) {
  complaint = await does.act({ view: shown.id, action_id: what.action_id, values: answers() });
  showTrouble();
}

async function submit() {
  if (sending || !shown.view.submit) return;
  sending = lookAtErrors = true;
  complaint = null;
  showBusy();
  told.textContent = "Sending …";
  complaint = await does.submit({ view: shown.id, values: answers() });
  sending = false;
  told.textContent = "";
  showBusy();
  showTrouble();
}

function showBusy() {
  const send = footer.querySelector("[type=submit]");
  if (sending) send?.setAttribute("aria-disabled", "true");
  else send?.removeAttribute("aria-disabled");
}

/** An alert is heard whenever it is written, so only when it says something else. */
function showTrouble() {
  const sentence = complaint ?? shown?.trouble ?? "";
  if (trouble.textContent !== sentence) trouble.textContent = sentence;
}

function showErrors(errors) {
  const fields = [...body.querySelectorAll(".field")];
  for (const field of fields) setError(field, errors[field.dataset.block]);
  const first = fields.find((field) => errors[field.dataset.block]);
  if (!first || !lookAtErrors) return;
  lookAtErrors = false;
  first.querySelector("input, select, textarea").focus();
}

/** Puts the keyboard where the form begins. */
function start() {
  const wanted = shown.view.blocks.find((part) => part.element?.focus_on_load)?.block_id;
  const fields = [...body.querySelectorAll(".field")];
  const field = fields.find((one) => one.dataset.block === wanted) ?? fields[0];
  (field?.querySelector("input:checked") ?? field?.querySelector("input, select, textarea") ?? title).focus();
}

/** What the form says now, for those who listen instead of looking. */
function tell() {
  const words = [...body.children].filter((node) => !node.matches(".field")).map((node) => node.textContent);
  told.textContent = [title.textContent, ...words].join(". ");
}
