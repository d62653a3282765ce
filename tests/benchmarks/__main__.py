"""`python tests/benchmarks click --against PATH` and `python tests/benchmarks history`; `--help` says more."""

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


if __name__ == "__main__":
    sys.exit(main())
