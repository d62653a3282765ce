"""`python tests/simulation --seeds N [--from S]`, or `--seed S --trace` to see what happened in one world."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parent.parent
# Behind PYTHONPATH, so that another copy of the bot can be put in this one's place.
sys.path[:1] = [str(TESTS)]
sys.path.append(str(TESTS.parent))


def main() -> int:
    """Run the worlds of some seeds; return 1 after the first in which something did not hold."""
    from simulation.checks import violations  # noqa: PLC0415 -- the path is known only now
    from simulation.world import run  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python tests/simulation")
    parser.add_argument("--seeds", type=int, default=2000, metavar="N", help="how many")
    parser.add_argument("--from", type=int, default=0, metavar="S", dest="first", help="the first of them")
    parser.add_argument("--seed", type=int, metavar="S", help="only this one")
    parser.add_argument("--trace", action="store_true", help="show what happened, line by line")
    parser.add_argument("--invariant", metavar="NAME", help="look only for violations of this one")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds) if options.seed is None else [options.seed]
    begun, steps = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds, 1):
            trace: list[str] | None = [] if options.trace else None
            world, seen = run(seed, Path(folder), trace)
            steps += world.schedule.steps
            wrong = [each for each in violations(seen) if options.invariant in {None, each[0]}]
            if wrong and trace is None:
                run(seed, Path(folder), trace := [])
            for line in trace or ():
                say(line)
            for invariant, text in wrong:
                say(f"seed {seed}: {invariant}: {text}")
            if wrong or number % 1000 == 0 or number == len(seeds):
                say(
                    f"{number} seeds, {steps} steps, {len(wrong)} violations; {time.monotonic() - begun:.1f} s,"
                    f" of which {time.process_time():.1f} s on the processor"
                )
            if wrong:
                return 1
    return 0


def say(text: str) -> None:
    """Print a line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
