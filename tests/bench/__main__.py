"""`python tests/bench`, and the verbs after it: one for each thing that is measured for longer; `--help` says more."""

import argparse
import os
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
# Behind PYTHONPATH, as in tests/simulation.
sys.path[:1] = [str(TESTS)]
sys.path.append(str(TESTS.parent))


def main() -> int:
    """Measure; return 1 where a verb finds that something takes longer than it may."""
    parser = argparse.ArgumentParser(
        prog="python tests/bench",
        description="Times the bot on this machine beside floors, which do the same job without a bot.",
    )
    _everything_takes(parser)
    verbs = parser.add_subparsers(title="one thing only, for longer")
    _click_takes(verbs.add_parser("click", help="click to result: this checkout beside another one"))
    _history_takes(verbs.add_parser("history", help="very many old requests in the store beside none; on Linux only"))
    _backlog_takes(verbs.add_parser("backlog", help="a large backlog for the audit channel beside a small one"))
    _stranger_takes(
        verbs.add_parser("stranger", help="operators beside a hostile stranger, against the same without one")
    )
    _list_pace_takes(verbs.add_parser("list-pace", help="the pace of a list beside a Cognito that refuses more"))
    _list_kills_takes(verbs.add_parser("list-kills", help="a very large list, whose bot is killed again and again"))
    _list_cost_takes(verbs.add_parser("list-cost", help="an account of a list beside a bare call; on Linux only"))
    _list_beside_takes(verbs.add_parser("list-beside", help="a single sign-out while a list runs, and without one"))
    options = parser.parse_args()
    return 0 if options.run(options) else 1


def _everything_takes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of each row (5)")
    parser.add_argument("--sign-outs", type=int, default=8, metavar="N", help="a round (8)")
    parser.add_argument("--acks", type=int, default=200, metavar="N", help="a round (200)")
    parser.add_argument("--requests", type=int, default=100_000, metavar="N", help="old ones (100000: 0.8 GB)")
    parser.add_argument("--backlog", type=int, default=100_000, metavar="N", help="entries that are due (100000)")
    parser.add_argument("--idle", type=float, default=5, metavar="SECONDS", help="how long to do nothing, a round (5)")
    # Longer than a kept connection is used.
    parser.add_argument("--reading", type=float, default=31, metavar="SECONDS", help="how long to read a card (31)")
    parser.add_argument("--chart", type=Path, default=Path("bench.svg"), metavar="FILE", help="where to (bench.svg)")
    parser.add_argument("--checkout", type=Path, metavar="PATH", help="measure the bot of another checkout")
    parser.set_defaults(run=_everything)


def _click_takes(click: argparse.ArgumentParser) -> None:
    click.add_argument("--against", type=Path, required=True, metavar="PATH", help="the other checkout")
    click.add_argument("--sign-outs", type=int, default=200, metavar="N", help="on each side (200)")
    click.set_defaults(run=_click)


def _history_takes(history: argparse.ArgumentParser) -> None:
    history.add_argument("--requests", type=int, default=1_000_000, metavar="N", help="how many (1000000: 8 GB)")
    history.add_argument("--idle", type=float, default=60, metavar="SECONDS", help="how long to do nothing (60)")
    history.add_argument("--sign-outs", type=int, default=60, metavar="N", help="on each side (60)")
    history.set_defaults(run=_history)


def _backlog_takes(backlog: argparse.ArgumentParser) -> None:
    backlog.add_argument("--entries", type=int, default=100_000, metavar="N", help="how many (100000)")
    backlog.set_defaults(run=_backlog)


def _stranger_takes(stranger: argparse.ArgumentParser) -> None:
    stranger.add_argument("--against", type=Path, metavar="PATH", help="another checkout, to be measured as well")
    stranger.add_argument("--seconds", type=float, default=60, metavar="N", help="how long (60)")
    stranger.add_argument("--rate", type=float, default=70, metavar="N", help="hostile commands a second (70)")
    stranger.add_argument("--people", type=int, default=1, metavar="N", help="who send them (1)")
    stranger.add_argument("--afterwards", type=float, default=60, metavar="N", help="seconds to work on then (60)")
    stranger.set_defaults(run=_stranger)


def _list_pace_takes(pace: argparse.ArgumentParser) -> None:
    pace.add_argument("--seconds", type=float, default=600, metavar="N", help="how long (600)")
    pace.add_argument("--pace", type=float, default=12, metavar="N", help="accounts a second (12)")
    pace.set_defaults(run=_list_pace)


def _list_kills_takes(kills: argparse.ArgumentParser) -> None:
    kills.add_argument("--store", choices=("sqlite", "dynamodb"), default="sqlite", help="where the list is (sqlite)")
    kills.add_argument("--accounts", type=int, default=100_000, metavar="N", help="how many (100000)")
    kills.add_argument("--pace", type=float, default=100, metavar="N", help="accounts a second (100)")
    kills.add_argument("--kill-every", type=float, default=120, metavar="SECONDS", help="how often (120)")
    kills.set_defaults(run=_list_kills)


def _list_cost_takes(cost: argparse.ArgumentParser) -> None:
    cost.add_argument("--store", choices=("sqlite", "dynamodb"), default="sqlite", help="where the list is (sqlite)")
    cost.add_argument("--rounds", type=int, default=5, metavar="N", help="how often (5)")
    cost.add_argument("--accounts", type=int, default=1000, metavar="N", help="a round (1000)")
    cost.add_argument("--pace", type=float, default=100, metavar="N", help="accounts a second (100)")
    cost.set_defaults(run=_list_cost)


def _list_beside_takes(beside: argparse.ArgumentParser) -> None:
    beside.add_argument("--sign-outs", type=int, default=300, metavar="N", help="on each side (300)")
    beside.add_argument("--pace", type=float, default=12, metavar="N", help="accounts a second (12)")
    beside.set_defaults(run=_list_beside)


def _everything(options: argparse.Namespace) -> bool:
    options.chart = options.chart.absolute()
    import bench  # noqa: F401, PLC0415 -- of this checkout, before the path leads to another

    if options.checkout:
        there = options.checkout.resolve()
        sys.path[0], sys.path[-1] = str(there / "tests"), str(there)
        os.chdir(there)  # where `python -m bot` finds its bot
    from bench.everything import measure  # noqa: PLC0415 -- the path is known only now

    measure(options)
    return True


def _click(options: argparse.Namespace) -> bool:
    from bench.checkout import Checkout  # noqa: PLC0415 -- the path is known only now
    from bench.sides import Side, compare, verdict  # noqa: PLC0415

    with Checkout(TESTS.parent) as this, Checkout(options.against) as other:
        ratio = compare(Side("This checkout", this.click), Side("The other", other.click), options.sign_outs)
    return verdict("Click to result", ratio, 1.1)


def _history(options: argparse.Namespace) -> bool:
    from bench.history import compare_histories  # noqa: PLC0415

    return compare_histories(options.requests, options.idle, options.sign_outs)


def _backlog(options: argparse.Namespace) -> bool:
    from bench.backlog import compare_backlogs  # noqa: PLC0415

    return compare_backlogs(options.entries)


def _stranger(options: argparse.Namespace) -> bool:
    from bench.beside_stranger import Attack, compare_with_stranger  # noqa: PLC0415

    attack = Attack(rate=options.rate, seconds=options.seconds, people=options.people, afterwards=options.afterwards)
    return compare_with_stranger(TESTS.parent, options.against, attack)


def _list_pace(options: argparse.Namespace) -> bool:
    from bench.list_pace import keep_pace  # noqa: PLC0415

    return keep_pace(options.seconds, options.pace)


def _list_kills(options: argparse.Namespace) -> bool:
    from bench.list_kills import run_through_kills  # noqa: PLC0415

    return run_through_kills(options.store, options.accounts, options.pace, options.kill_every)


def _list_cost(options: argparse.Namespace) -> bool:
    from bench.list_cost import compare_costs  # noqa: PLC0415

    return compare_costs(options.store, options.rounds, options.accounts, options.pace)


def _list_beside(options: argparse.Namespace) -> bool:
    from bench.list_beside import compare_beside_list  # noqa: PLC0415

    return compare_beside_list(options.sign_outs, options.pace)


if __name__ == "__main__":
    sys.exit(main())
