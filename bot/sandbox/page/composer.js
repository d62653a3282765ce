// The line at the bottom: completes the command, shows its usage while it is typed, sends on Enter.

import { draw, make } from "./dom.js";
import { menu } from "./menu.js";
import { titleOf } from "./reads.js";

const line = document.getElementById("line");
const commands = document.getElementById("commands");
const usage = document.getElementById("usage");

let command = { name: "/signout", usage_hint: "", description: "" };
let sent = "";
let anywhere = () => {};

/** Wires it up. `send(text)` answers null, or the sentence that says why it could not; `use` uses the shortcut. */
export function startComposer(send, complain, use) {
  anywhere = use;
  line.addEventListener("input", suggest);
  line.addEventListener("keydown", onKey);
  line.addEventListener("blur", hideCommands);
  line.addEventListener("focus", suggest);
  document.getElementById("slash").addEventListener("click", () => compose(`${command.name} `));
  document.getElementById("composer").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = line.value.trim();
    if (!text) return;
    sent = text;
    line.value = "";
    suggest();
    complain(null);
    const trouble = await send(text);
    if (trouble) complain(trouble);
    if (trouble && !line.value) compose(text);
  });
}

/** Puts `text` on the line, ready for Enter. */
export function compose(text) {
  line.value = text;
  line.focus();
  line.setSelectionRange(text.length, text.length);
  suggest();
}

/** What the line is for: which channel, and which command it completes. */
export function drawComposer(channel, known, { name: label, app: note }) {
  command = known;
  const shortcuts = [{ key: "shortcuts", label, note }];
  draw(document.getElementById("shortcuts"), shortcuts, () => menu("Shortcuts", "plus", [{ label, note, chosen: anywhere }]));
  line.placeholder = `Message ${titleOf(channel)} or type /`;
  line.setAttribute("aria-label", `Message ${titleOf(channel)}`);
  const closed = channel.direct ? "reads no messages." : channel.archived && "is archived. No one can post here.";
  const archived = document.getElementById("archived");
  archived.hidden = !closed;
  archived.textContent = closed ? `${titleOf(channel)} ${closed}` : "";
  document.querySelector(".composer-box").hidden = Boolean(closed);
}

function suggest() {
  const text = line.value;
  const open = document.activeElement === line && text.startsWith("/") && command.name.startsWith(text);
  commands.hidden = !open;
  line.setAttribute("aria-expanded", String(open));
  if (open) {
    commands.replaceChildren(option());
    line.setAttribute("aria-activedescendant", "command");
  } else {
    line.removeAttribute("aria-activedescendant");
  }
  usage.hidden = !text.startsWith(`${command.name} `);
  usage.replaceChildren(make("strong", {}, command.name), ` ${command.usage_hint}`);
}

function option() {
  const words = [make("strong", {}, command.name), ` ${command.usage_hint}`, make("small", {}, command.description)];
  const take = (event) => {
    event.preventDefault(); // the line keeps the keyboard
    compose(`${command.name} `);
  };
  return make("li", { id: "command", role: "option", "aria-selected": "true", onmousedown: take }, words);
}

function hideCommands() {
  commands.hidden = true;
  line.setAttribute("aria-expanded", "false");
  line.removeAttribute("aria-activedescendant");
}

function onKey(event) {
  if (event.isComposing) return;
  const open = !commands.hidden;
  const complete = open && (event.key === "Tab" || (event.key === "Enter" && line.value !== command.name));
  if (complete && !event.shiftKey) {
    event.preventDefault();
    compose(`${command.name} `);
  } else if (open && event.key === "Escape") {
    event.stopPropagation();
    hideCommands();
  } else if (event.key === "ArrowUp" && !line.value && sent) {
    event.preventDefault();
    compose(sent);
  }
}
