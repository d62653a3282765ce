// Rich text: the blocks in which nothing is interpreted, since each piece says itself what it is.

import { make, outside } from "./dom.js";
import { emoji } from "./emoji.js";
import * as mentions from "./mentions.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", highlight: "mark", code: "code" };

/** Wraps `node` in one element for each style that is on. */
function styled(node, style = {}) {
  return Object.keys(STYLES).reduce((inner, name) => (style[name] ? make(STYLES[name], {}, inner) : inner), node);
}

function parts(part, show) {
  return part.elements.map((element) => show(element));
}

function list(part, show) {
  const ordered = part.style === "ordered";
  const offset = ordered && part.offset ? part.offset + 1 : null;
  const attributes = { class: `rich indent-${Math.min(part.indent ?? 0, 4)}`, start: offset };
  return make(
    ordered ? "ol" : "ul",
    attributes,
    part.elements.map((element) => make("li", {}, show(element))),
  );
}

/** Rich text's rows of the table in blocks.js. */
export const RICH_TEXT = {
  rich_text: (part, show) => make("div", { class: "rich-text" }, parts(part, show)),
  rich_text_section: (part, show) => make("div", { class: "text", dir: "auto" }, parts(part, show)),
  rich_text_list: list,
  rich_text_quote: (part, show) => make("blockquote", { dir: "auto" }, parts(part, show)),
  rich_text_preformatted: (part, show) => make("pre", { dir: "auto" }, parts(part, show)),
  text: (part) => styled(outside(part.text), part.style),
  link: (part, show, around) => styled(mentions.link(part.url, part.text, around), part.style),
  user: (part, show, around) => styled(mentions.person(part.user_id, around), part.style),
  usergroup: (part) => styled(mentions.usergroup(part.usergroup_id), part.style),
  channel: (part, show, around) => styled(mentions.channel(part.channel_id, around), part.style),
  broadcast: (part) => styled(mentions.broadcast(part.range), part.style),
  emoji: (part) => emoji(part.name),
  date: (part) => styled(mentions.date(part.timestamp, part.format, part.fallback, part.url), part.style),
};
