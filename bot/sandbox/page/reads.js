// What channels are called, and how far each person has read each. The browser keeps it: its windows agree, and a reload forgets nothing.

const KEPT = "read";

function kept() {
  return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
}

/** What a channel is called. Direct messages have the name of the app that sends them. */
export function titleOf(channel) {
  return channel.direct ? channel.name : `#${channel.name}`;
}

/** The time of the last message that `person` has seen in `channel`. */
export function lastRead(person, channel) {
  return kept()[`${person} ${channel.id}`] ?? 0;
}

export function markRead(person, channel) {
  const last = channel.messages.at(-1)?.ts ?? 0;
  if (last > lastRead(person, channel))
    localStorage.setItem(KEPT, JSON.stringify({ ...kept(), [`${person} ${channel.id}`]: last }));
}

/** How many messages of others `person` has not seen yet. What only they can see is not news to wait for. */
export function unread(person, channel) {
  const seen = lastRead(person, channel);
  return channel.messages.filter((message) => message.ts > seen && !message.ephemeral && message.from !== person)
    .length;
}
