"""`python tests/benchmarks click --against PATH`, and `history` and `stranger`; `--help` says more."""

import argparse
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
# Behind PYTHONPATH, as in tests/simulation.
sys.path[:1] = [str(TESTS)]
sys.path.append(str(TESTS.parent))


def main() -> int:
    """Measure; return 1 where something takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description="Times the bot on this machine.")
    verbs = parser.add_subparsers(required=True)
    click = verbs.add_parser("click", help="click to result: this checkout beside another one")
    click.add_argument("--against", type=Path, required=True, metavar="PATH", help="the other checkout")
    click.add_argument("--sign-outs", type=int, default=200, metavar="N", help="on each side (200)")
    click.set_defaults(run=_click)
    history = verbs.add_parser("history", help="very many old requests in the store beside none; on Linux only")
    history.add_argument("--requests", type=int, default=1_000_000, metavar="N", help="how many (1000000: 6 GB)")
    history.add_argument("--idle", type=float, default=60, metavar="SECONDS", help="how long to do nothing (60)")
    history.add_argument("--sign-outs", type=int, default=60, metavar="N", help="on each side (60)")
    history.set_defaults(run=_history)
    stranger = verbs.add_parser("stranger", help="operators beside a hostile stranger, against the same without one")
    stranger.add_argument("--against", type=Path, metavar="PATH", help="another checkout, to be measured as well")
    stranger.add_argument("--seconds", type=float, default=60, metavar="N", help="how long (60)")
    stranger.add_argument("--rate", type=float, default=70, metavar="N", help="hostile commands a second (70)")
    stranger.add_argument("--people", type=int, default=1, metavar="N", help="who send them (1)")
    stranger.add_argument("--afterwards", type=float, default=60, metavar="N", help="seconds to work on then (60)")
    stranger.set_defaults(run=_stranger)
    options = parser.parse_args()
    return 0 if options.run(options) else 1


def _click(options: argparse.Namespace) -> bool:
    from benchmarks.checkout import Checkout  # noqa: PLC0415 -- the path is known only now
    from benchmarks.sides import Side, compare, verdict  # noqa: PLC0415

    with Checkout(TESTS.parent) as this, Checkout(options.against) as other:
        ratio = compare(Side("This checkout", this.click), Side("The other", other.click), options.sign_outs)
    return verdict("Click to result", ratio, 1.1)


def _history(options: argparse.Namespace) -> bool:
    from benchmarks.history import compare_histories  # noqa: PLC0415

    return compare_histories(options.requests, options.idle, options.sign_outs)


def _stranger(options: argparse.Namespace) -> bool:
    from benchmarks.beside_stranger import Attack, compare_with_stranger  # noqa: PLC0415

    attack = Attack(rate=options.rate, seconds=options.seconds, people=options.people, afterwards=options.afterwards)
    return compare_with_stranger(TESTS.parent, options.against, attack)


if __name__ == "__main__":
    sys.exit(main())
