// What a form asks with: each input with its label, its hint and its error.

import { make } from "./dom.js";

const PAUSE_IN_TYPING = 400; // milliseconds after which the app hears of what was typed, if it asked to

let fields = 0;

/** The rows of the table in blocks.js that only forms have. `around.answer` is form.js's: what is typed so far. */
export const INPUTS = { input, plain_text_input: textInput, static_select: select, radio_buttons: radioButtons };

/** Puts a sentence (or null) under an input, and ties it to what one types into. */
export function setError(field, sentence) {
  const control = field.querySelector("[aria-required]") ?? field;
  field.querySelector(".error").textContent = sentence ?? "";
  if (sentence) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function input(part, show, around) {
  const id = `field-${(fields += 1)}`;
  const several = part.element.type === "radio_buttons";
  const label = [show(part.label), part.optional && make("small", { class: "optional" }, " (optional)")];
  const hint = part.hint && make("p", { id: `${id}-hint`, class: "hint" }, show(part.hint));
  const aria = {
    "aria-required": String(!part.optional),
    "aria-describedby": `${hint ? `${id}-hint ` : ""}${id}-error`,
  };
  const control = show(part.element, { ...around.answer(part), id, aria: several ? {} : aria });
  const error = make("p", { id: `${id}-error`, class: "error" });
  const group = several ? { role: "radiogroup", "aria-labelledby": `${id}-label`, ...aria } : {};
  return make(
    several ? "fieldset" : "div",
    { class: "field", "data-block": part.block_id, ...group },
    make(several ? "legend" : "label", several ? { id: `${id}-label` } : { for: id }, label),
    control,
    hint,
    error,
  );
}

function textInput(part, show, { id, aria, value, changed, dispatch }) {
  const when = dispatch ? (part.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"]) : [];
  let pause = 0;
  const typed = () => {
    changed(node.value);
    clearTimeout(pause);
    if (when.includes("on_character_entered")) pause = setTimeout(dispatch, PAUSE_IN_TYPING);
  };
  const key = (event) => {
    if (event.key !== "Enter" || event.isComposing || part.multiline || !when.includes("on_enter_pressed")) return;
    event.preventDefault();
    dispatch();
  };
  const placeholder = part.placeholder?.text;
  const attributes = { id, placeholder, dir: "auto", autocomplete: "off", "data-part": part.action_id, ...aria };
  const node = part.multiline
    ? make("textarea", { ...attributes, rows: 3, oninput: typed })
    : make("input", { ...attributes, type: "text", spellcheck: "false", oninput: typed, onkeydown: key });
  node.value = value;
  return node;
}

function select(part, show, { id, aria, value, changed, dispatch }) {
  const choose = () => {
    changed(node.value);
    dispatch?.();
  };
  const option = ({ text, value: name }) => make("option", { value: name }, text.text);
  const nothing = make("option", { value: "" }, part.placeholder?.text ?? "Select an option");
  const options = [nothing, ...part.options.map(option)];
  const node = make("select", { id, onchange: choose, "data-part": part.action_id, ...aria }, options);
  node.value = value;
  return node;
}

function radioButtons(part, show, { id, value, changed, dispatch }) {
  return part.options.map((option, index) => {
    const choose = () => {
      changed(option.value);
      dispatch?.();
    };
    const button = make("input", {
      type: "radio",
      name: id,
      checked: option.value === value,
      onchange: choose,
      "data-part": `${part.action_id} ${index}`,
    });
    const words = make("span", {}, show(option.text), option.description && make("small", {}, show(option.description)));
    return make("label", { class: "choice" }, button, words);
  });
}
