// In the panel "Cognito": whether an account is enabled and its password works, and where moto is not like AWS.

import { icon, make, outside } from "./dom.js";

/** Whether an account is enabled, and what came of a sign-in with its password. */
export function accountFacts(person) {
  return make("dl", { class: "account" }, fact("Account", enabled(person)), fact("Password", password(person)));
}

function enabled({ enabled: works, status }) {
  return verdict(works, works ? "enabled" : "disabled", status);
}

function password({ password: said, provider }) {
  if (provider) return make("dd", {}, "none: signs in through ", outside(provider));
  if (said === "works") return verdict(true, "works");
  return verdict(false, said === "NEW_PASSWORD_REQUIRED" ? "must be set again" : "refused", said);
}

function verdict(works, words, code) {
  const shown = code && make("code", {}, outside(code));
  return make("dd", { class: works ? "works" : "revoked" }, icon(works ? "yes" : "no"), words, shown);
}

function fact(name, said) {
  return make("div", {}, make("dt", {}, name), " ", said);
}

/** Where moto is not like AWS for this account as it is. Nothing where the two are alike. */
export function otherwiseAtAws(person) {
  const differences = differencesOf(person);
  if (!differences.length) return null;
  const list = make("ul", {}, differences.map((words) => make("li", {}, words)));
  return make("div", { class: "otherwise" }, make("p", {}, "moto is not like AWS here:"), list);
}

function differencesOf({ enabled: works, status, devices }) {
  const refreshes = devices.some((device) => device.refresh === "works");
  return [
    !works && refreshes && "moto still takes a refresh token of a disabled account. AWS refuses it.",
    !works && "moto signs out a disabled account. AWS may refuse that: then it is “Disabled. Not signed out.”",
    status === "RESET_REQUIRED" &&
      "moto answers a sign-in after a reset with NEW_PASSWORD_REQUIRED, AWS with PasswordResetRequiredException.",
  ].filter(Boolean);
}
