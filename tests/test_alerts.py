"""The alerts in .github/prometheus/rules.yml: they look at what the bot really shows, and fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.audit import OUTCOMES
from bot.edge.metrics import GAUGES, Metrics, Values

ROOT = Path(__file__).parent.parent
RULES = ROOT / ".github" / "prometheus" / "rules.yml"
CASES = ROOT / "tests" / "prometheus" / "rules_test.yml"
PROMTOOL = shutil.which("promtool")

# What PromQL says by words, as far as the rules use it.
WORDS = {"absent", "abs", "by", "max", "or", "sum", "time", "histogram_quantile", "increase", "rate"}
WORDS |= {"max_over_time", "min_over_time", "unless", "offset", "and"}
NAME = re.compile(r"(?P<name>[a-z_]+)(?P<labels>\{[^{}]*\})?")
TOKEN = re.compile(rf"\s+|{NAME.pattern}(\[\d+[smhd]\])?|(?P<bracket>[()])|\d+(\.\d+)?[smhd]?|[,*/+-]|[=!<>]=|[<>]")
MATCHER = re.compile(r'(?P<label>\w+)(?P<how>=~|=)"(?P<value>[^"]*)"')


def rules() -> list[dict[str, Any]]:
    """Return each alert's rule."""
    (group,) = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


EACH_RULE = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])


def series() -> list[tuple[str, dict[str, str]]]:
    """Return name and labels of all that the page of a bot shows to which nothing has happened yet."""
    metrics = Metrics()
    for lane in ("slack", "newcomers", "aws"):
        metrics.turned_away(lane)
    labels = {"status": "ready", "lane": "aws", "source": "", "reason": "", "pool": "customers", "outcome": "failed"}
    labels |= {"quota": "own/eu-central-1"}
    shown: Values = {name: {tuple(labels[each] for each in names): 0.0} for name, (_, names) in GAUGES.items()}
    shown["last_ended_timestamp_seconds"] = {(outcome,): 0.0 for outcome in OUTCOMES}
    page, _ = metrics.page(shown, "")
    families = text_string_to_metric_families(page.decode())
    return [(sample.name, sample.labels) for family in families for sample in family.samples]


def tokens(expression: str) -> list[re.Match[str]]:
    """Return what an expression consists of. Fails where something is not known."""
    at, found = 0, []
    while at < len(expression):
        token = TOKEN.match(expression, at)
        assert token, f"not understood: {expression[at:]}"
        at = token.end()
        found.append(token)
    return found


def selectors(expression: str) -> list[tuple[str, dict[str, str]]]:
    """Return each metric that an expression looks at, and a regular expression for each label that it asks for."""
    without_groupings = re.sub(r"\bby \([\w, ]*\)", "", expression)
    return [
        (
            token["name"],
            {
                matcher["label"]: matcher["value"] if matcher["how"] == "=~" else re.escape(matcher["value"])
                for matcher in MATCHER.finditer(token["labels"] or "")
            },
        )
        for token in tokens(without_groupings)
        if token["name"] and token["name"] not in WORDS
    ]


@EACH_RULE
def test_an_expression_is_understood_and_its_brackets_close(rule: dict[str, Any]) -> None:
    depth = 0
    for token in tokens(rule["expr"]):
        depth += {"(": 1, ")": -1}.get(token["bracket"] or "", 0)
        assert depth >= 0
    assert depth == 0
    assert selectors(rule["expr"])


@EACH_RULE
def test_each_series_that_a_rule_looks_at_is_there_before_anything_happened(rule: dict[str, Any]) -> None:
    shown = series()
    for name, labels in selectors(rule["expr"]):
        ours = {label: value for label, value in labels.items() if label != "job"}  # that one is Prometheus' own
        assert name == "up" or any(
            each == name and all(re.fullmatch(value, has.get(label, "")) for label, value in ours.items())
            for each, has in shown
        ), f"{name} {ours}"


def test_a_rule_about_something_that_the_bot_does_not_show_would_be_found() -> None:
    assert selectors(
        'max by (job) (max_over_time(signout_nothing{a="b", c=~"d|e"}[5m])) > 0 or time() - other > 1'
    ) == [
        ("signout_nothing", {"a": "b", "c": "d|e"}),
        ("other", {}),
    ]
    assert "signout_nothing" not in {name for name, _ in series()}


@EACH_RULE
def test_a_rule_says_what_is_wrong_and_how_bad_that_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["description"].endswith(".")


def test_each_alert_has_a_case_in_which_it_fires_and_there_is_a_day_on_which_none_does() -> None:
    expected = [
        sample["labels"]
        for case in yaml.safe_load(CASES.read_text("utf-8"))["tests"]
        for each in case["promql_expr_test"]
        if "ALERTS" in each["expr"]
        for sample in each["exp_samples"]
    ]
    fires = {name for labels in expected for name in re.findall(r'alertname="(\w+)"', labels)}
    assert fires == {rule["alert"] for rule in rules()}
    assert any("normal day" in case["name"] for case in yaml.safe_load(CASES.read_text("utf-8"))["tests"])


@pytest.mark.skipif(PROMTOOL is None, reason="promtool comes with Prometheus, which is not installed")
@pytest.mark.parametrize(
    "command", [("check", "rules", str(RULES)), ("test", "rules", str(CASES))], ids=lambda command: command[0]
)
def test_prometheus_takes_the_rules_and_each_alert_fires_in_its_case_only(command: tuple[str, ...]) -> None:
    ran = subprocess.run([str(PROMTOOL), *command], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_page_for_operators_says_what_to_do_about_each_alert() -> None:
    page = (ROOT / ".github/docs/operate.md").read_text("utf-8")
    told = re.findall(r"^\| `(SignOut\w+)` \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    assert told == [rule["alert"] for rule in rules()]
