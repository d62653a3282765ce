// Slack's own light markup: *bold* _italic_ ~strike~ `code`, quotes, fences, <…> references, :emoji:, three escapes.

import { make } from "./dom.js";
import { emoji } from "./emoji.js";
import * as mentions from "./mentions.js";

const STYLES = { "*": "strong", _: "em", "~": "s" };

const FENCE = /```([\s\S]+?)```/;
// In order: a reference, code, a styled run between word boundaries, an emoji.
const INLINE =
  /<([^<>\n]+)>|`([^`\n]+)`|(?<![\p{L}\p{N}])([*_~])(?=\S)([^\n]*?\S)\3(?![\p{L}\p{N}])|:([a-z0-9_+-]+):/gu;

export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** The nodes that `text` shows as. */
export function mrkdwn(text, around) {
  return text
    .split(FENCE)
    .flatMap((part, index) =>
      index % 2 ? [make("pre", {}, unescape(part.replace(/^\n/, "")))] : quotes(part, around),
    );
}

/** Lines that start with > (which arrives escaped) stand together as a quote. */
function quotes(text, around) {
  const pieces = text.split(/((?:^&gt;[^\n]*(?:\n|$))+)/m);
  return pieces.flatMap((piece, index) => {
    if (index % 2 === 0) return inline(piece, around);
    return [make("blockquote", {}, inline(piece.replace(/^&gt; ?/gm, "").replace(/\n$/, ""), around))];
  });
}

function inline(text, around) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(unescape(text.slice(end, match.index)), styled(match, around));
    end = match.index + match[0].length;
  }
  nodes.push(unescape(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

function styled([, reference, code, mark, inner, name], around) {
  if (reference) return refer(reference, around);
  if (code) return make("code", {}, unescape(code));
  if (mark) return make(STYLES[mark], {}, inline(inner, around));
  return emoji(name);
}

/** One <…>. Its first character says of what kind it is; what follows | is the label or the fallback. */
function refer(reference, around) {
  const bar = reference.indexOf("|");
  const target = unescape(bar < 0 ? reference : reference.slice(0, bar));
  const label = bar < 0 ? undefined : unescape(reference.slice(bar + 1));
  if (target.startsWith("@")) return mentions.person(target.slice(1), around, label);
  if (target.startsWith("#")) return mentions.channel(target.slice(1), around, label);
  if (target.startsWith("!")) return special(target.slice(1), label);
  return mentions.link(target, label, around);
}

function special(command, label) {
  const [name, ...rest] = command.split("^");
  if (name === "date") return mentions.date(rest[0], rest[1], label, rest[2]);
  if (name === "subteam") return mentions.usergroup(rest[0], label);
  return mentions.broadcast(label ?? name);
}
