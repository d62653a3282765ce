// What stands for something else in a text, be it mrkdwn or rich text: people, groups, channels, links, dates.

import { make, outside } from "./dom.js";
import { slackDate } from "./dates.js";

/** A person by id. `around` knows everybody's names, and who is looking. */
export function person(id, around, label) {
  const name = around.nameOf(id) ?? label ?? id;
  const mine = id === around.reader ? " mine" : "";
  return make("span", { class: `mention${mine}` }, "@", outside(name));
}

export function usergroup(id, label) {
  return make("span", { class: "mention" }, "@", outside((label ?? id).replace(/^@/, "")));
}

export function channel(id, around, label) {
  return make("span", { class: "mention" }, "#", outside(around.channelName(id) ?? label ?? id));
}

/** @channel and its like notify everybody, so they are shown as what they are. */
export function broadcast(range) {
  return make("span", { class: "mention mine" }, `@${range}`);
}

const A_MESSAGE = /^https:\/\/[\w-]+\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})$/;

/** A link, where its address is of a kind that Slack opens; else only its text. One to a message opens that here. */
export function link(url, text, around) {
  const [, channel, seconds, micros] = A_MESSAGE.exec(url) ?? [];
  if (channel && around.channelName(channel)) {
    const open = (event) => {
      event.preventDefault();
      around.open(channel, `${seconds}.${micros}`);
    };
    return make("a", { href: url, onclick: open }, outside(text ?? url));
  }
  if (!/^(https?|mailto|tel):/i.test(url)) return outside(text ?? url);
  return make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, outside(text ?? url));
}

/** A moment in the reader's own time zone, with the exact one on hover. */
export function date(timestamp, format, fallback, url) {
  const shown = slackDate(timestamp, format);
  if (shown === null) return outside(fallback ?? "");
  const moment = new Date(Number(timestamp) * 1000);
  const time = make("time", { datetime: moment.toISOString(), title: moment.toLocaleString() }, shown);
  return url ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, time) : time;
}
