// Slack's dates: the reader's own clock and language fill in what {date_short} and the like stand for.

const DAY = 86_400_000;

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function written(options) {
  return (date) => new Intl.DateTimeFormat(undefined, options).format(date);
}

/** "today", "yesterday" or "tomorrow" where that is so, else the date as `otherwise` writes it. */
function pretty(otherwise) {
  return (date) => {
    const days = Math.round((midnight(date) - midnight(new Date())) / DAY);
    if (Math.abs(days) > 1) return otherwise(date);
    return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(days, "day");
  };
}

function ago(date) {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const [unit, size] = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ].find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
}

const date = written({ dateStyle: "long" });
const short = written({ dateStyle: "medium" });
const long = written({ dateStyle: "full" });
// "6:39 AM" or "06:39", as Slack writes it.
const hour = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12 ? "numeric" : "2-digit";
export const clock = written({ hour, minute: "2-digit" });

const TOKENS = {
  date_num: (when) =>
    [when.getFullYear(), when.getMonth() + 1, when.getDate()].map((n) => String(n).padStart(2, "0")).join("-"),
  date,
  date_short: short,
  date_long: long,
  date_pretty: pretty(date),
  date_short_pretty: pretty(short),
  date_long_pretty: pretty(long),
  day_divider_pretty: pretty(long),
  time: clock,
  time_secs: written({ hour, minute: "2-digit", second: "2-digit" }),
  ago,
};

/** `format` with its tokens filled in for `timestamp` (seconds), or null where Slack would show the fallback. */
export function slackDate(timestamp, format) {
  const when = new Date(Number(timestamp) * 1000);
  if (Number.isNaN(when.getTime())) return null;
  return String(format).replace(/\{(\w+)\}/g, (whole, token) =>
    Object.hasOwn(TOKENS, token) ? TOKENS[token](when) : whole,
  );
}

/** The line between two days of messages. */
export function dayName(when) {
  const name = TOKENS.day_divider_pretty(when);
  return name.charAt(0).toLocaleUpperCase() + name.slice(1);
}

/** "42:10", or "1:02:03" from an hour on. */
export function countdown(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(left / 3600);
  const minutes = Math.floor(left / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
}
