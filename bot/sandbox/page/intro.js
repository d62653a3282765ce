// The beginning of a channel: what it is for, and what a newcomer can do at once.

import { make, outside } from "./dom.js";
import { incident } from "./crowd.js";
import { titleOf } from "./reads.js";

export const intro = {
  item(channel, view) {
    const support = view.isSupport(channel);
    return {
      key: "intro",
      kind: "intro",
      channel: titleOf(channel),
      direct: channel.direct,
      support,
      quiet: !support && channel.messages.length === 0,
      reader: view.me,
      example: view.example,
      shielded: view.shielded,
      traced: view.traced,
      pair: view.pair,
      elsewhere: view.elsewhere,
      incident: view.incident,
      shortcut: view.hasTicket && view.shortcut.name,
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
  const text = "Here the bot says what came of each request, refused ones too. It asks for approvals here.";
  return [make("p", {}, text), quiet && make("p", {}, "Nothing yet. Sign someone out, and it appears.")];
}

function support(item, view) {
  const { reader, example, shielded } = item;
  const who = make("p", {}, "You are ", make("strong", {}, outside(reader.name)), ` (${reader.note}).`);
  if (reader.role === "asker") {
    who.append(" What you ask for is done only if a second person approves it:");
    return [who, asking(example, item, view)];
  }
  if (reader.role === "no one") {
    const see = make("li", {}, "Read the answer that only you see, and what the audit channel says.");
    who.append(" See how the bot refuses:");
    return [who, make("ol", {}, type(example, view), see)];
  }
  who.append(" To sign ", outside(example.name), " out of all devices:");
  const watch = make("li", {}, "Watch the devices in the Cognito panel, and the message in the audit channel.");
  const press = make("li", {}, "Press ", strong("Sign out"), " on the card that only you see.");
  const first = make("ol", {}, type(example, view), press, watch);
  const lessons = [shielded && second(item, view), third(item, view), item.traced && fourth(item, view)];
  return [who, first, lessons, item.shortcut && fifth(item, view), item.incident && sixth(item, view)];
}

const open = new Set(); // the lessons that are open, also after a look at another channel

function lesson(part, title, account, view, ...content) {
  const ontoggle = ({ target }) => {
    if (target.open && !open.has(part) && account) view.find(account.key);
    target.open ? open.add(part) : open.delete(part);
  };
  return make(
    "details",
    { open: open.has(part), ontoggle },
    make("summary", { "data-part": part }, title),
    ...content,
  );
}

function second(item, view) {
  const { reader, shielded } = item;
  const why = " is protected: it is signed out only if a second person approves.";
  const steps = reader.role === "approver" ? approving(item) : asking(shielded, item, view);
  const about = make("p", {}, "The account of ", outside(shielded.name), why);
  return lesson("second", "Second lesson: two windows, two people", shielded, view, about, steps);
}

function third(item, view) {
  const { reader, example } = item;
  const out = type(example, view, [" Then press ", strong("Keep out"), " on the card."]);
  const look = make("li", {}, "The Cognito panel shows a disabled account, and tokens that are revoked.");
  const mayLetIn = reader.role === "approver";
  const own = make("li", {}, "Press ", strong("Let back in"), " on the result, and again on the card.");
  const steps = make("ol", {}, out, look, mayLetIn ? own : [theirs(item), password(item)]);
  return lesson("third", "Third lesson: keep a thief out, and let the owner back in", example, view, steps);
}

function fourth({ traced }, view) {
  const about = make("p", {}, "The pool of ", outside(traced.name), " tracks sessions: the card lists each device.");
  const end = type(traced, view, [" Then press ", strong("End this session"), " beside one device."]);
  const look = make("li", {}, "In the Cognito panel only that device is signed out.");
  const rest = make("li", {}, "Type the command again and press ", strong("Sign out"), ": the result proves that none is left.");
  return lesson("fourth", "Fourth lesson: a lost phone", traced, view, about, make("ol", {}, end, look, rest));
}

function fifth({ example, shortcut }, view) {
  const about = make("p", {}, "No command can be typed in a thread, but there are shortcuts. Below is a ticket with a thread.");
  const one = make("li", {}, "Choose ", strong(shortcut), " under ", strong("More actions"), " beside its first answer.");
  const several = make("li", {}, "The second one names two people: the form lets you choose.");
  const plus = make("li", {}, "With ", strong("+"), " beside the line below, an empty form opens. Its card is a direct message.");
  const steps = make("ol", {}, one, several, plus);
  return lesson("fifth", "Fifth lesson: a ticket's thread", example, view, about, steps);
}

function sixth(item, view) {
  const { reader, incident: of } = item;
  const people = `The pool ${of.pool} has ${of.size} more people, whom the Cognito panel only counts.`;
  const about = make("p", {}, people, ` The passwords of ${of.hit} of them leaked.`);
  const steps = reader.role === "approver" ? approving(item, "sixth") : leaking(item, view);
  return lesson("sixth", "Sixth lesson: a whole list at once", null, view, about, steps);
}

function leaking({ incident: of, pair }, view) {
  const copy = make("li", {}, "Press ", incident(of), ". The list is in the clipboard then.");
  const paste = [" Paste it there, choose the pool ", strong(of.pool), " and press ", strong("Look up"), "."];
  const ask = make("li", {}, "Read on the card what was found, and press ", strong("Ask for approval"), ".");
  const approve = make("li", {}, windowOf(pair), ", and press ", strong("Approve"), " there: so many accounts need it.");
  const watch = make(
    "li",
    {},
    ...["In ", strong(pair.channel), " a message shows how far it is. Try ", strong("Pause"), ", ", strong("Go on")],
    ...[" and ", strong("Stop"), ". In the Cognito panel fewer and fewer people are signed in."],
  );
  const fail = make("li", {}, "With ", strong("Cognito fails for some people"), " under Weather, some are left to try again.");
  return make("ol", {}, copy, type({ line: "/signout list" }, view, paste), ask, approve, watch, fail);
}

function theirs({ example, pair }) {
  const line = make("code", {}, outside(`${example.line} --let-in`));
  const link = windowOf({ ...pair, link: pair.toAsk }, "Only a senior lets people back in. Open a window as ");
  return make("li", {}, link, ", and type ", line, " there.");
}

function password({ pair, elsewhere }) {
  const through = elsewhere && [" The card of ", outside(elsewhere), " has no such button, and says why."];
  return make("li", {}, "Try ", strong("New password"), " too: ", outside(pair.name), " has to approve it.", through);
}

function asking(account, { pair }, view) {
  return make(
    "ol",
    {},
    make("li", {}, windowOf(pair), ", and put it beside this one."),
    type(account, view, [" Then press ", strong("Ask for approval"), " on the card."]),
    make("li", {}, "Open ", strong(pair.channel), " here and press ", strong("Approve"), ". The bot refuses: you asked."),
    decide("In the other window"),
  );
}

function approving({ pair }, which = "second") {
  return make(
    "ol",
    {},
    make("li", {}, windowOf(pair), ", put it beside this one, and begin the ", which, " lesson there."),
    decide("Here, in ", strong(pair.channel)),
  );
}

function decide(...where) {
  const deny = ["or press ", strong("Deny"), " and say why. Both windows show what came of it."];
  return make("li", {}, where, ", press ", strong("Approve"), ", ", deny);
}

function windowOf({ name, link }, words = "Open a second window as ") {
  return make("a", { href: link, target: "_blank", rel: "noopener" }, words, outside(name));
}

function type({ line }, view, after) {
  const start = make("button", { type: "button", class: "example", onclick: () => view.compose(line) }, outside(line));
  return make("li", {}, "Type ", start, " and press ", make("kbd", {}, "Enter"), ".", after);
}

function strong(words) {
  return make("strong", {}, words);
}
