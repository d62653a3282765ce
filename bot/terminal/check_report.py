"""`signout-bot check`: what was found, a line each, or all of it as JSON."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from bot.facts.finding import Finding
from bot.terminal import output
from bot.visible import visible

_SIGNS = {"ok": "✓", "warning": "!", "missing": "✗", "not tried": "–"}  # noqa: RUF001 -- a dash as wide as a tick
_PLAIN_SIGNS = {"ok": "+", "warning": "!", "missing": "x", "not tried": "-"}


def faulty_settings(faults: Iterable[str]) -> Iterator[Finding]:
    """Return the findings where the settings are not valid, so that nothing can be tried with them."""
    for fault in faults:
        yield Finding("settings", "missing", fault)
    yield Finding("everything else", "not tried", "not tried: it needs valid settings")


def doubtful_variables(said: Mapping[str, str]) -> Iterator[Finding]:
    """Return a finding for each variable that does not do what someone may believe."""
    for name, sentence in said.items():
        yield Finding(name, "warning", sentence)


def report(found: Iterable[Finding], *, as_json: bool, secrets: Sequence[str] = ()) -> int:
    """Show what is found, as it comes, but no secret; return the exit code: 1 where something is missing, else 0.

    The code is the same where the reader leaves early. Raises `OutputError`.
    """
    encoding = sys.stdout.encoding or "ascii"

    def show(line: str) -> None:
        for secret in secrets:
            line = line.replace(secret, "[hidden]")
        output.show(visible(line.rstrip()).encode(encoding, "backslashreplace").decode(encoding))

    signs = _SIGNS if encoding.lower().startswith("utf") else _PLAIN_SIGNS
    seen: list[Finding] = []
    for finding in found:
        seen.append(finding)
        if not as_json:
            show(f"{signs[finding.status]} {finding.name}: {finding.sentence} {finding.fix}")
    counts = Counter[str](finding.status for finding in seen)
    in_json = {"ok": not counts["missing"], "checks": [asdict(each) for each in seen]}
    show(json.dumps(in_json) if as_json else _summary(counts))
    return 1 if counts["missing"] else 0


def _summary(counts: Counter[str]) -> str:
    more = [(counts["warning"], "to look at (!)"), (counts["not tried"], "not tried")]
    said = "".join(f", {count} {words}" for count, words in more if count)
    if counts["missing"]:
        return f"{counts['missing']} missing{said}. Fix what is marked, and run the check again."
    return f"All well: {counts['ok']} checks passed{said}."
