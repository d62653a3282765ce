// The list of messages: who, when, and what (blocks.js shows that).

import { draw, icon, make, outside } from "./dom.js";
import { body } from "./blocks.js";
import { clock, dayName } from "./dates.js";
import { intro } from "./intro.js";
import { menu } from "./menu.js";

const TOGETHER = 300; // seconds within which one author's plain messages stand under one name
const NEAR = 120; // pixels from the end at which a reader counts as reading the end

/** Shows a channel's messages. `view` is app.js's: who reads, everybody's names, from when on messages are new. */
export function drawMessages(channel, view) {
  const list = document.getElementById("messages");
  const scroller = document.getElementById("scroller");
  const place = `${view.reader} ${channel.id}`;
  const moved = list.dataset.place !== place;
  const atEnd = moved || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
  if (moved) list.replaceChildren();
  list.dataset.place = place;
  draw(list, [intro.item(channel, view), ...lines(channel, view)], (item) => KINDS[item.kind](item, view));
  if (atEnd) scrollToEnd();
}

/** Shows the newest message, and from then on those that come. */
export function scrollToEnd() {
  const scroller = document.getElementById("scroller");
  scroller.scrollTop = scroller.scrollHeight;
}

/** Brings a message into view, and the keyboard to it. */
export function showMessage(id) {
  const node = document.querySelector(`#messages [data-ts="${CSS.escape(id)}"]`);
  node?.scrollIntoView({ block: "center" });
  node?.focus();
}

const KINDS = {
  intro: (item, view) => intro.show(item, view),
  day: (item) => make("li", { class: "divider" }, make("span", {}, item.name)),
  news: () => make("li", { class: "divider news" }, make("span", {}, "New")),
  message,
};

/** The messages with what stands between them. */
function lines(channel, view) {
  const items = [];
  let previous = null;
  let told = false;
  for (const said of inThreads(channel.messages)) {
    const day = dayName(new Date(said.ts * 1000));
    const dayBefore = previous && dayName(new Date(previous.ts * 1000));
    if (day !== dayBefore) items.push({ key: `day ${day}`, kind: "day", name: day });
    if (!told && view.newFrom && said.ts > view.newFrom && said.from !== view.reader && !said.ephemeral) {
      items.push({ key: "news", kind: "news" });
      told = true;
    }
    const follows = items.at(-1)?.kind === "message" && together(previous, said);
    items.push({ key: said.id, kind: "message", said, follows, author: view.author(said.from) });
    previous = said;
  }
  return items;
}

/** The messages, with those of a thread right after the one that began it. */
function inThreads(messages) {
  const answers = Map.groupBy(messages, ({ thread }) => thread);
  return (answers.get(null) ?? []).flatMap((said) => [said, ...(answers.get(said.id) ?? [])]);
}

function together(previous, said) {
  const plain = [previous, said].every((one) => !one.ephemeral && !one.blocks?.length && !one.thread);
  return plain && previous.from === said.from && said.ts - previous.ts < TOGETHER;
}

function message({ said, follows, author }, view) {
  const when = new Date(said.ts * 1000);
  const time = make("time", { datetime: when.toISOString(), title: when.toLocaleString() }, clock(when));
  const name = make("div", { class: "author" }, outside(author.name, { class: "name" }), badge(author), time);
  const around = { ...view, press: (what) => view.press(said, what) };
  const kind = [follows && "follows", said.ephemeral && "ephemeral", said.thread && "in-thread"].filter(Boolean);
  const { name: label, app: note } = view.shortcut;
  const more = !said.ephemeral && menu("More actions", "more", [{ label, note, chosen: () => view.shortcutOf(said) }]);
  return make(
    "li",
    { class: ["message", ...kind].join(" "), tabindex: "-1", "data-ts": said.id },
    make("div", { class: "gutter" }, follows ? time.cloneNode(true) : avatar(author)),
    make(
      "div",
      { class: "content" },
      said.ephemeral && make("p", { class: "only-you" }, icon("eye"), "Only visible to you"),
      said.thread && make("p", { class: "only-you" }, "In the thread"),
      !follows && name,
      make("div", { class: "body" }, body(said, around)),
      said.edited && !said.ephemeral && make("small", { class: "edited" }, "(edited)"),
    ),
    more,
  );
}

function badge(author) {
  if (author.bot) return make("span", { class: "app" }, "APP");
  return author.team && make("small", { class: "team" }, author.team);
}

/** A coloured square with initials; the bot has a drawing instead. */
export function avatar(author) {
  if (author.bot) return make("span", { class: "avatar bot", "aria-hidden": "true" }, icon("leave"));
  const tint = [...author.id].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  const initials = author.name
    .split(/\s+/)
    .map((word) => [...word][0] ?? "")
    .slice(0, 2)
    .join("");
  return make("span", { class: `avatar tint-${tint}`, "aria-hidden": "true" }, initials);
}
