// The few emoji that a bot of this kind uses. Any other shows as its :name:, so that its absence is seen.

import { make } from "./dom.js";

const EMOJI = {
  arrows_counterclockwise: "🔄",
  ballot_box_with_check: "☑️",
  bell: "🔔",
  bust_in_silhouette: "👤",
  closed_lock_with_key: "🔐",
  door: "🚪",
  exclamation: "❗",
  eyes: "👀",
  grey_question: "❔",
  heavy_check_mark: "✔️",
  heavy_multiplication_x: "✖️",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  information_source: "ℹ️",
  key: "🔑",
  large_green_circle: "🟢",
  large_orange_circle: "🟠",
  large_yellow_circle: "🟡",
  lock: "🔒",
  mag: "🔍",
  no_entry: "⛔",
  no_entry_sign: "🚫",
  octagonal_sign: "🛑",
  question: "❓",
  red_circle: "🔴",
  rotating_light: "🚨",
  tada: "🎉",
  "+1": "👍",
  thumbsup: "👍",
  unlock: "🔓",
  warning: "⚠️",
  wave: "👋",
  white_check_mark: "✅",
  white_circle: "⚪",
  x: "❌",
};

/** The emoji called `name`, or its name between colons. */
export function emoji(name) {
  if (!Object.hasOwn(EMOJI, name)) return document.createTextNode(`:${name}:`);
  return make("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " ") }, EMOJI[name]);
}

/** The text as nodes, with each :name: turned into its emoji. */
export function withEmoji(text) {
  return text.split(/(:[a-z0-9_+-]+:)/).map((part) => (/^:.+:$/.test(part) ? emoji(part.slice(1, -1)) : part));
}
