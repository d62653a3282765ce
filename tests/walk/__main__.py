"""`python tests/walk`: the files and functions that one command and one press go through, in order of first entry."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
# Behind PYTHONPATH, as in tests/simulation.
sys.path[:1] = [str(TESTS)]
sys.path.append(str(TESTS.parent))


def main() -> None:
    """Walk, and print both walks."""
    from headless import Headless  # noqa: PLC0415 -- the path is known only now

    from bot.sandbox.cognito import Moto  # noqa: PLC0415
    from walk.sign_out import walks  # noqa: PLC0415

    moto = Moto()
    try:
        with Headless(moto) as headless:
            both = walks(headless)
    finally:
        moto.stop()
    for title, walk in zip(("The command", "The press"), both, strict=True):
        counts = f"{len(walk.files)} files, {len(walk.functions)} functions, {walk.changes} changes of file"
        sys.stdout.write(f"{title}: {counts}\n")
        for file, names in walk.files.items():
            sys.stdout.write(f"  bot/{file}\n" + "".join(f"      {name}\n" for name in names))


if __name__ == "__main__":
    main()
