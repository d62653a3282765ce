// The page: hears snapshots of the whole sandbox and shows them. Its own are only who reads, and which channel.

import { announce, make } from "./dom.js";
import { compose, drawComposer, startComposer } from "./composer.js";
import { drawCognito, findPerson, tick } from "./cognito.js";
import { drawCrowd } from "./crowd.js";
import { drawForm, startForms } from "./form.js";
import { drawMessages, scrollToEnd, showMessage } from "./messages.js";
import { drawSidebar } from "./sidebar.js";
import { drawWeather } from "./weather.js";
import { startDrawers, startTheme, uncover } from "./drawers.js";
import { lastRead, markRead, titleOf, unread } from "./reads.js";
import { act, listen } from "./wire.js";
import { mrkdwn } from "./mrkdwn.js";

const FIRST_PERSON = "U0SAM00001";

const asked = new URLSearchParams(location.search);
const here = {
  person: asked.get("person") ?? FIRST_PERSON,
  channel: asked.get("channel"),
  newFrom: 0,
  since: null,
  skew: 0,
};
let snapshot = null;
let hangUp = () => {};

function currentChannel() {
  return snapshot.channels.find(({ id }) => id === here.channel) ?? snapshot.channels[0];
}

/** What the parts of the page need to know about this window and everybody in it. */
function viewOf({ people, bot, team, channels, cognito, crowd, shortcut }) {
  const author = (id) => {
    if (id === "bot") return { id, name: bot.name, bot: true };
    const person = people.find((one) => one.id === id);
    return { id, name: person?.real_name ?? id, team: person && person.team_id !== team.id ? person.team_name : null };
  };
  const lineFor = ({ email }) => `/signout ${email}`;
  const accounts = cognito.flatMap((pool) => pool.people);
  const [first] = accounts;
  const shielded = accounts.find((one) => one.protected);
  const traced = accounts.find((one) => !one.protected && one.devices.filter(({ place }) => place).length > 1);
  const me = people.find(({ id }) => id === here.person);
  return {
    author,
    lineFor,
    reader: here.person,
    channel: here.channel,
    newFrom: here.newFrom,
    me: { name: me.real_name, note: me.note, role: me.role },
    example: { key: first.username, name: first.name, line: lineFor(first) },
    pair: pairFor(me, people, channels),
    elsewhere: accounts.find((one) => one.provider)?.name,
    traced: traced && { key: traced.username, name: traced.name, line: lineFor(traced) },
    shielded: shielded && { key: shielded.username, name: shielded.name, line: lineFor(shielded) },
    incident: crowd?.leaked && { pool: crowd.pool, size: crowd.size, hit: crowd.hit, leaked: crowd.leaked },
    isSupport: (channel) => channel === channels[0],
    nameOf: (id) => (id === bot.id ? bot.name : people.find((one) => one.id === id)?.real_name),
    channelName: (id) => channels.find((one) => one.id === id)?.name,
    find: findPerson,
    open: openMessage,
    compose: (line) => {
      uncover();
      go({ channel: channels[0].id });
      compose(line);
    },
    shortcut,
    shortcutOf: ({ id }) => doing("shortcut", { person: here.person, channel: here.channel, message: id }),
    hasTicket: channels[0].messages.some(({ thread }) => thread),
    press: (message, what) =>
      doing("press", { person: here.person, channel: here.channel, message: message.id, ...what }),
  };
}

/** Whom `me` needs in a second window: the approver or, as the approver, someone who asks. */
function pairFor(me, people, [support, audit]) {
  const other = people.find(({ role }) => role === (me.role === "approver" ? "operator" : "approver"));
  const channel = other.role === "approver" ? audit : support;
  const [link, toAsk] = [channel, support].map(({ id }) => linkTo(other.id, id));
  return { name: other.real_name, channel: titleOf(audit), link, toAsk };
}

function linkTo(person, channel) {
  return `?${new URLSearchParams({ person, channel })}`;
}

function show() {
  const channel = currentChannel();
  if (here.channel !== channel.id) enter(channel);
  markRead(here.person, channel);
  const view = viewOf(snapshot);
  const news = snapshot.channels.reduce((sum, one) => sum + unread(here.person, one), 0);
  document.title = `${news ? `(${news}) ` : ""}${titleOf(channel)} · Sign-out sandbox`;
  document.getElementById("channel-name").textContent = titleOf(channel);
  document.getElementById("scroller").setAttribute("aria-label", `Messages in ${titleOf(channel)}`);
  drawSidebar(snapshot, view, news, go);
  drawComposer(channel, snapshot.command, snapshot.shortcut); // before the messages: it takes its room from them
  drawMessages(channel, view);
  drawCognito(snapshot.cognito, view, (pool, username) => doing("sign-in", { pool, username }));
  drawCrowd(snapshot.crowd, () => doing("sign-all-in", {}));
  drawForm(snapshot.form, view);
  drawWeather(snapshot.weather, (name, on) => doing("weather", { name, on }));
  tick(Date.now() / 1000 + here.skew);
}

/** Comes to a channel: what is unread in it gets the line "New" above it. */
function enter(channel) {
  here.channel = channel.id;
  here.newFrom = lastRead(here.person, channel);
  history.replaceState(null, "", linkTo(here.person, here.channel));
}

function go({ person, channel }) {
  complain(null);
  if (person) {
    here.person = person;
    here.channel = currentChannel().id;
    enter(currentChannel());
    start();
    return;
  }
  const chosen = snapshot.channels.find(({ id }) => id === channel);
  if (chosen.id !== here.channel) enter(chosen);
  uncover();
  show();
  write();
}

/** Opens the channel of a message, and brings that into view. */
function openMessage(channel, message) {
  go({ channel });
  showMessage(message);
}

/** Puts the keyboard where one writes, except where that would bring up a keyboard of glass. */
function write() {
  if (matchMedia("(pointer: fine)").matches) document.getElementById("line").focus();
}

function say(text) {
  scrollToEnd();
  return act("say", { person: here.person, channel: here.channel, text });
}

async function doing(what, details) {
  const trouble = await act(what, details);
  if (trouble) complain(trouble);
  return trouble;
}

/** Says above the composer what went wrong; null takes it away. */
function complain(sentence) {
  const dismiss = make("button", { type: "button", class: "button plain", onclick: () => complain(null) }, "Dismiss");
  document
    .getElementById("notice")
    .replaceChildren(...(sentence ? [make("p", { dir: "auto" }, sentence), dismiss] : []));
}

function heard(fresh) {
  const before = snapshot;
  snapshot = fresh;
  here.since ??= fresh.now;
  here.skew = fresh.now - Date.now() / 1000;
  if (document.body.dataset.line === "down") complain(null);
  document.body.dataset.line = "up";
  show();
  if (!before) write();
  else if (before.person === fresh.person) tellNews(before);
}

/** New and changed messages, for those who listen instead of looking. */
function tellNews(before) {
  const view = viewOf(snapshot);
  for (const channel of snapshot.channels) {
    const known = new Map(
      before.channels.find(({ id }) => id === channel.id)?.messages.map((one) => [one.id, JSON.stringify(one)]),
    );
    for (const said of channel.messages) {
      if (said.from === here.person || known.get(said.id) === JSON.stringify(said)) continue;
      const words = make("p", {}, mrkdwn(said.text ?? "", view)).textContent;
      announce(`${titleOf(channel)}, ${view.author(said.from).name}${said.ephemeral ? ", only to you" : ""}: ${words}`);
    }
  }
}

function start() {
  hangUp();
  hangUp = listen(here.person, here.since, heard, (hopeless) => {
    document.body.dataset.line = "down";
    complain("The sandbox does not answer. Is it still running?");
    if (!hopeless) return; // the browser tries again by itself
    here.person = FIRST_PERSON; // the sandbox knows no one of that id
    setTimeout(start, 2000);
  });
}

startTheme();
startDrawers();
startComposer(say, complain, () => doing("shortcut", { person: here.person }));
startForms({
  submit: (form) => act("submit", { person: here.person, ...form }),
  act: (form) => act("act", { person: here.person, ...form }),
  close: (form) => doing("close", { person: here.person, ...form }),
});
setInterval(() => snapshot && tick(Date.now() / 1000 + here.skew), 1000);
window.addEventListener("storage", () => snapshot && show());
// A browser keeps few lines to one host: a window that no one sees leaves its own to the others.
document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : start()));
start();
