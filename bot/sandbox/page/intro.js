// The beginning of a channel: what it is for, and what a newcomer can do at once.

import { make, outside } from "./dom.js";
import { titleOf } from "./reads.js";

export const intro = {
  item(channel, view) {
    const quiet = channel.messages.length === 0;
    return {
      key: "intro",
      kind: "intro",
      channel: titleOf(channel),
      direct: channel.direct,
      support: view.isSupport(channel),
      quiet,
      reader: view.me,
      example: view.example,
    };
  },

  show(item, view) {
    return make(
      "li",
      { class: "intro" },
      make("h3", {}, `${item.support ? "Welcome to" : "The beginning of"} ${item.channel}`),
      item.support ? support(item, view) : item.direct ? direct() : audit(item),
    );
  },
};

function direct() {
  return make("p", {}, "Here the bot tells you a result that it can no longer show on your card.");
}

function audit({ quiet }) {
  const text = "Here the bot says what came of each request: signed out, failed, not known, refused.";
  return [make("p", {}, text), quiet && make("p", {}, "Nothing yet. Sign someone out, and it appears.")];
}

function support({ reader, example }, view) {
  const start = make(
    "button",
    { type: "button", class: "example", onclick: () => view.compose(example.line) },
    outside(example.line),
  );
  const type = make("li", {}, "Type ", start, " and press ", make("kbd", {}, "Enter"), ".");
  const who = ["You are ", make("strong", {}, outside(reader.name)), ` (${reader.note}).`];
  if (!reader.note.startsWith("may")) {
    const see = make("li", {}, "Read the answer that only you see, and what the audit channel says.");
    return [make("p", {}, who, " See how the bot refuses:"), make("ol", {}, type, see)];
  }
  return [
    make("p", {}, who, " To sign ", outside(example.name), " out of all devices:"),
    make(
      "ol",
      {},
      type,
      make("li", {}, "Press ", make("strong", {}, "Sign out"), " on the card that only you see."),
      make("li", {}, "Watch the devices in the Cognito panel, and the message in the audit channel."),
    ),
  ];
}
