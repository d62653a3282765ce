// Block Kit: one table from the type of a block, an element or a text to the function that shows it.

import { make, outside } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { INPUTS } from "./inputs.js";
import { RICH_TEXT } from "./rich_text.js";
import { confirmed } from "./dialog.js";

// Each takes the part, `show` for what is inside it, and what is `around` it (see app.js).
const TABLE = {
  header: (part, show) => make("h3", { class: "header-block", dir: "auto" }, show(part.text)),
  section,
  context: (part, show) =>
    make(
      "div",
      { class: "context" },
      part.elements.map((element) => make("div", {}, show(element))),
    ),
  divider: () => make("hr"),
  actions: (part, show) =>
    make(
      "div",
      { class: "actions" },
      part.elements.map((element) => show(element, { block: part.block_id })),
    ),
  button,
  table,
  raw_text: (part) => outside(part.text),
  raw_number: (part) => outside(part.text),
  plain_text: (part) =>
    make("span", { class: "text", dir: "auto" }, part.emoji ? withEmoji(part.text) : outside(part.text)),
  mrkdwn: (part, show, around) => make("span", { class: "text", dir: "auto" }, mrkdwn(part.text, around)),
  ...RICH_TEXT,
  ...INPUTS,
};

/** What a message says: its blocks, or where it has none its text. */
export function body(message, around) {
  if (!message.blocks?.length) return [make("div", { class: "text", dir: "auto" }, mrkdwn(message.text ?? "", around))];
  return message.blocks.map((part) => block(part, around));
}

/** What a block, an element or a text looks like. */
export function block(part, around) {
  const inside = (child, more) => block(child, { ...around, ...more });
  if (!Object.hasOwn(TABLE, part?.type)) return broken(`Unknown type “${part?.type}”: it cannot be shown`, part);
  try {
    return TABLE[part.type](part, inside, around);
  } catch (error) {
    return broken(`A broken “${part.type}”: ${error.message}`, part);
  }
}

/** Loud, so that a developer who writes a message of the bot sees it at once. */
function broken(sentence, part) {
  return make("div", { class: "broken" }, make("strong", {}, sentence), make("pre", {}, JSON.stringify(part, null, 2)));
}

function section(part, show) {
  const fields = part.fields?.map((field) => make("div", {}, show(field)));
  return make(
    "div",
    { class: "section" },
    make(
      "div",
      { class: "section-text" },
      part.text && show(part.text),
      fields && make("div", { class: "fields" }, fields),
    ),
    part.accessory && show(part.accessory, { block: part.block_id }),
  );
}

/** A table: Slack takes its first row for the titles. */
function table(part, show) {
  const row = (tag, cells) =>
    make(
      "tr",
      {},
      cells.map((cell, column) => {
        const settings = part.column_settings?.[column] ?? {};
        const look = [settings.align ?? "left", settings.is_wrapped ? "wrapped" : "one-line"];
        return make(tag, { class: look.join(" "), scope: tag === "th" ? "col" : null }, show(cell));
      }),
    );
  const [titles, ...rows] = part.rows;
  const shown = make(
    "table",
    {},
    make("thead", {}, row("th", titles)),
    make(
      "tbody",
      {},
      rows.map((cells) => row("td", cells)),
    ),
  );
  // Wider than the window, it is scrolled, with the keyboard too.
  return make("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" }, shown);
}

function button(part, show, around) {
  const style = ["primary", "danger"].includes(part.style) ? part.style : "plain";
  const press = async () => {
    if (node.getAttribute("aria-disabled") || (part.confirm && !(await confirmed(part.confirm, show)))) return;
    node.setAttribute("aria-disabled", "true");
    await around.press({ action_id: part.action_id, block_id: around.block });
    node.removeAttribute("aria-disabled");
  };
  const label = { "aria-label": part.accessibility_label, "data-part": part.action_id };
  const node = make("button", { type: "button", class: `button ${style}`, onclick: press, ...label }, show(part.text));
  if (part.url) node.addEventListener("click", () => window.open(part.url, "_blank", "noopener"));
  return node;
}
