// The panel "Cognito": everybody's devices, and what their tokens are still good for.

import { accountFacts, otherwiseAtAws } from "./account.js";
import { announce, draw, icon, make, outside } from "./dom.js";
import { clock, countdown } from "./dates.js";

const SHOWN = 2400; // milliseconds for which a device that was just signed out stands out
const struckAt = new Map(); // device id -> when its refresh token was seen to be revoked

/** Shows the pools. `view.compose` fills the composer; `signIn(pool, username)` opens one more session. */
export function drawCognito(pools, view, signIn) {
  const opened = pools[0]?.people[0]?.username;
  const items = pools.map(({ pool, pool_id: id, people }) => ({ key: pool, id, people }));
  draw(
    document.getElementById("pools"),
    items.map(({ key, id, people }) => ({ key, id, size: people.length })),
    poolNode,
  );
  const struckBefore = struckAt.size;
  for (const { key, people } of items) {
    const list = document.getElementById(`pool-${key}`);
    const rows = people.map((person) => ({
      key: person.username,
      ...person,
      devices: person.devices.map(({ checked, ...device }) => device),
    }));
    draw(list, rows, (row, before) => personNode(row, before, { ...view, pool: key, opened, signIn }));
  }
  const tried = Math.max(
    0,
    ...pools.flatMap(({ people }) => people.flatMap(({ devices }) => devices.map((d) => d.checked ?? 0))),
  );
  document.getElementById("tried").textContent = tried
    ? `All tokens last tried at ${new Date(tried * 1000).toLocaleTimeString()}`
    : "";
  if (struckAt.size > struckBefore) document.querySelector("#pools .struck").scrollIntoView({ block: "nearest" });
}

function poolNode({ key, id, size }) {
  return make(
    "section",
    { "aria-label": `Pool ${key}` },
    make("h3", {}, make("span", {}, "Pool ", outside(key), `, ${size} people`), make("code", {}, id)),
    make("ul", { id: `pool-${key}`, class: "persons" }),
  );
}

function personNode(person, before, view) {
  tellOfChange(person, before);
  const struck = newlyStruck(person, before);
  const wasOpen = before ? before.node.querySelector("details").open : person.username === view.opened;
  const groups = person.groups.map((group) => [" · group ", outside(group)]);
  return make(
    "li",
    { "data-person": person.username },
    make(
      "details",
      { open: wasOpen || struck.length > 0 },
      make("summary", { "data-part": "summary" }, names(person), shield(person), bar(person), state(person)),
      make("p", { class: "mail" }, outside(person.email ?? ""), groups),
      accountFacts(person),
      choices(person, view),
      otherwiseAtAws(person),
      make("ul", { class: "devices" }, person.devices.map(deviceNode)),
    ),
  );
}

/** Opens a person, and brings them into view. */
export function findPerson(username) {
  const row = document.querySelector(`#pools [data-person="${CSS.escape(username)}"]`);
  row.querySelector("details").open = true;
  row.scrollIntoView({ block: "nearest" });
}

/** The devices of which something worked when last seen, and is revoked now. */
function newlyStruck(person, before) {
  const worked = (device, what) => before?.item.devices.some((one) => one.id === device.id && one[what] === "works");
  const revoked = (what) => person.devices.filter((device) => device[what] === "revoked" && worked(device, what));
  const struck = [["refresh", "refresh token revoked"], ["sso", "session of the login page ended"]].flatMap(
    ([what, words]) => revoked(what).map((device) => [device, words]),
  );
  for (const [device, words] of struck) {
    struckAt.set(device.id, Date.now());
    announce(`${device.name}: ${words}`);
  }
  return struck;
}

function tellOfChange({ name, enabled }, before) {
  if (before && before.item.enabled !== enabled) announce(`${name}: account ${enabled ? "enabled" : "disabled"}`);
}

function choices(person, view) {
  const line = view.lineFor(person);
  const isReset = person.status === "RESET_REQUIRED";
  const choice = (part, onclick, ...words) =>
    make("button", { type: "button", class: "button plain", "data-part": part, onclick }, words);
  return make(
    "div",
    { class: "actions" },
    choice("try", () => view.compose(line), "Type ", outside(line)),
    choice("again", () => view.signIn(view.pool, person.username), isReset ? "Set a new password" : "Sign in again"),
  );
}

function names(person) {
  return make(
    "span",
    { class: "names" },
    outside(person.name, { class: "name" }),
    " ",
    outside(person.username, { class: "username" }),
  );
}

function shield(person) {
  return person.protected && make("span", { class: "state protected" }, "protected");
}

function bar(person) {
  return !person.enabled && make("span", { class: "state revoked" }, "disabled");
}

function state(person) {
  const alive = person.devices.filter((device) => device.refresh === "works").length;
  const words = alive ? `${alive} signed in` : "signed out";
  return make("span", { class: `state ${alive ? "works" : "revoked"}` }, words);
}

function deviceNode(device) {
  const struck = Date.now() - (struckAt.get(device.id) ?? 0) < SHOWN;
  return make(
    "li",
    { class: struck ? "device struck" : "device" },
    make("h4", {}, outside(device.name)),
    device.place && make("p", { class: "place" }, outside(device.place)),
    make(
      "dl",
      {},
      token("Refresh token", device.refresh),
      token("Access token, at Cognito", device.access),
      device.sso && token("Login page, without a password", device.sso),
    ),
    make("p", {
      class: "expiry",
      "data-expires": device.access_expires,
      "data-revoked": device.access === "revoked" && "",
    }),
  );
}

function token(name, verdict) {
  const drawing = icon(verdict === "works" ? "yes" : "no");
  return make("div", {}, make("dt", {}, name), " ", make("dd", { class: verdict }, drawing, verdict));
}

/** Counts every access token down. Called each second with the sandbox's own time. */
export function tick(now) {
  for (const node of document.querySelectorAll("[data-expires]")) {
    const expires = Number(node.dataset.expires);
    const until = clock(new Date(expires * 1000));
    const still = node.dataset.revoked === undefined ? "Accepted" : "Still accepted";
    const words = `${still} by apps that only check the signature until ${until} (${countdown(expires - now)} left)`;
    node.textContent = expires > now ? words : `Access token expired at ${until}: no app accepts it`;
    node.classList.toggle("over", expires <= now);
  }
}
