// The left side: channels with what is unread, the bot with what it wrote to this person, and as whom one tries things.

import { draw, make, icon, outside } from "./dom.js";
import { avatar } from "./messages.js";
import { unread } from "./reads.js";

/** Shows the sidebar; `news` counts all unread messages, `go` hears what was chosen: {channel} or {person}. */
export function drawSidebar(snapshot, view, news, go) {
  document.getElementById("news").replaceChildren(...(news ? [badge(news)] : []));
  document.getElementById("team").replaceChildren(outside(snapshot.team.name));
  const rows = snapshot.channels.map((channel) => ({
    key: channel.id,
    name: channel.name,
    archived: channel.archived,
    direct: channel.direct,
    current: channel.id === view.channel,
    unread: unread(view.reader, channel),
  }));
  const channels = rows.filter((row) => !row.direct);
  draw(document.getElementById("channels"), channels, (item) => make("li", {}, channelButton(item, go)));
  const bot = { key: "bot", ...snapshot.bot, direct: rows.find((row) => row.direct) };
  draw(document.getElementById("bot"), [bot], (item) => botRow(item, go));
  const people = snapshot.people.map((person) => ({
    key: person.id,
    author: view.author(person.id),
    note: person.note,
  }));
  draw(document.getElementById("people"), people, (item) => personRow(item, go));
  for (const radio of document.querySelectorAll("#people input")) radio.checked = radio.value === view.reader;
  document.getElementById("another-window").href = `?person=${encodeURIComponent(view.reader)}`;
}

function channelButton(item, go) {
  const state = item.archived && make("small", {}, "archived");
  return button(item, "", go, icon(item.archived ? "box" : "hash"), outside(item.name, { class: "name" }), state);
}

function button(item, kind, go, ...parts) {
  const news = item.unread > 0;
  const attributes = { type: "button", class: news ? `${kind} news` : kind, "aria-current": item.current && "page" };
  const onclick = () => go({ channel: item.key });
  return make("button", { ...attributes, "data-part": "go", onclick }, ...parts, news && badge(item.unread));
}

function badge(number) {
  return make("span", { class: "badge" }, String(number), make("span", { class: "unseen" }, " unread"));
}

/** The bot and whether it is there; a button to its direct messages where it wrote any. */
function botRow(bot, go) {
  const kind = `bot-row ${bot.connected ? "on" : "off"}`;
  const state = make("small", {}, bot.connected ? "connected" : "connecting …");
  const parts = [avatar({ bot: true }), outside(bot.name, { class: "name" }), state];
  return bot.direct ? button(bot.direct, kind, go, ...parts) : make("span", { class: kind }, ...parts);
}

function personRow(item, go) {
  const radio = make("input", {
    type: "radio",
    name: "person",
    value: item.key,
    "data-part": "radio",
    onchange: () => go({ person: item.key }),
  });
  const words = make(
    "span",
    { class: "words" },
    outside(item.author.name, { class: "name" }),
    make("small", {}, item.note),
  );
  return make("label", {}, radio, avatar(item.author), words);
}
