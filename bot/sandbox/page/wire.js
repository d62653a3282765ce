// What the page says to the sandbox and hears from it.

/** Calls `heard` with each snapshot for `person`, `lost(hopeless)` when the line breaks. Answers how to hang up. */
export function listen(person, since, heard, lost) {
  const query = new URLSearchParams({ person, ...(since && { since }) });
  const source = new EventSource(`/events?${query}`);
  source.addEventListener("snapshot", (event) => heard(JSON.parse(event.data)));
  source.addEventListener("error", () => lost(source.readyState === EventSource.CLOSED));
  return () => source.close();
}

/** Does one thing in the sandbox. Answers null, or the sentence that says why it could not. */
export async function act(what, details) {
  try {
    const body = JSON.stringify(details);
    const response = await fetch(`/do/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    const answer = await response.json();
    return answer.ok ? null : (answer.error ?? "The sandbox refused, and did not say why.");
  } catch {
    return "The sandbox does not answer. Is it still running?";
  }
}
