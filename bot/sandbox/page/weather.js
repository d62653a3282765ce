// The panel "Weather": switches for trouble on the wires, and what to look for when one is on.

import { draw, make } from "./dom.js";

const LOOK_FOR = {
  cognito_slow: "Cards take longer; commands are taken at once.",
  cognito_throttling: "The bot tries a few times, then says it failed.",
  cognito_patchy: "A list goes on, and ends with some to try again.",
  cognito_down: "The bot says that it cannot be sure.",
  slack_rate_limited: "Audit messages and edits wait until Slack takes them.",
  audit_channel_archived: "Each result says so; audit messages wait for its return.",
};

/** Shows the switches; `turn(name, on)` is called when one is used. */
export function drawWeather(weather, turn) {
  const items = weather.map(({ name, label }) => ({ key: name, label }));
  draw(document.getElementById("switches"), items, (item) => switchNode(item, turn));
  for (const { name, on } of weather) document.getElementById(`weather-${name}`).checked = on;
  const storms = weather.filter(({ on }) => on).map(({ label }) => label);
  document.getElementById("storms").textContent = storms.length ? `Weather: ${storms.join(", ")}` : "";
}

function switchNode({ key, label }, turn) {
  const id = `weather-${key}`;
  const hint = LOOK_FOR[key] ?? "";
  return make(
    "li",
    {},
    make("label", { for: id }, label),
    make("small", { id: `${id}-hint` }, hint),
    make("input", {
      id,
      type: "checkbox",
      role: "switch",
      "aria-describedby": `${id}-hint`,
      onchange: (event) => turn(key, event.target.checked),
    }),
  );
}
