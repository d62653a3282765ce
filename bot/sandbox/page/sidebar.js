// The left side: channels with what is unread, the bot, and as whom one tries things.

import { draw, make, icon, outside } from "./dom.js";
import { avatar } from "./messages.js";
import { unread } from "./reads.js";

/** Shows the sidebar; `news` counts all unread messages, `go` hears what was chosen: {channel} or {person}. */
export function drawSidebar(snapshot, view, news, go) {
  document.getElementById("news").replaceChildren(...(news ? [badge(news)] : []));
  document.getElementById("team").replaceChildren(outside(snapshot.team.name));
  const channels = snapshot.channels.map((channel) => ({
    key: channel.id,
    name: channel.name,
    archived: channel.archived,
    direct: channel.direct,
    current: channel.id === view.channel,
    unread: unread(view.reader, channel),
  }));
  draw(document.getElementById("channels"), channels, (item) => channelRow(item, go));
  draw(document.getElementById("bot"), [{ key: "bot", ...snapshot.bot }], botRow);
  const people = snapshot.people.map((person) => ({
    key: person.id,
    author: view.author(person.id),
    note: person.note,
  }));
  draw(document.getElementById("people"), people, (item) => personRow(item, go));
  for (const radio of document.querySelectorAll("#people input")) radio.checked = radio.value === view.reader;
  document.getElementById("another-window").href = `?person=${encodeURIComponent(view.reader)}`;
}

function channelRow(item, go) {
  const news = item.unread > 0;
  const attributes = { type: "button", class: news ? "news" : "", "aria-current": item.current && "page" };
  return make(
    "li",
    {},
    make(
      "button",
      { ...attributes, "data-part": "go", onclick: () => go({ channel: item.key }) },
      item.direct ? avatar({ bot: true }) : icon(item.archived ? "box" : "hash"),
      outside(item.name, { class: "name" }),
      item.archived && make("small", {}, "archived"),
      news && badge(item.unread),
    ),
  );
}

function badge(number) {
  return make("span", { class: "badge" }, String(number), make("span", { class: "unseen" }, " unread"));
}

function botRow(bot) {
  const state = bot.connected ? "connected" : "connecting …";
  return make(
    "span",
    { class: `bot-row ${bot.connected ? "on" : "off"}` },
    avatar({ bot: true }),
    outside(bot.name, { class: "name" }),
    make("small", {}, state),
  );
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
