"""The real `aws`, started once; each command line runs in a fork of it, which finds what it reads in memory.

Run as a program it reads one JSON object a line (`environment`, `words`) and answers with `code` and `out`.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from typing import Any, Self
from unittest.mock import patch


class RealAws:
    """The AWS CLI (version 1), as a context manager."""

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen([sys.executable, __file__], stdin=-1, stdout=-1, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._process.communicate()

    def run(self, environment: dict[str, str], *words: str) -> tuple[int, str]:
        """Run one command with this environment only; give its exit code and what it wrote to standard output."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"environment": environment, "words": words}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["out"]


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        child = os.fork()
        if child == 0:
            _become_aws(asked["environment"], asked["words"], out.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        return {"code": code, "out": out.read()}


def _become_aws(environment: dict[str, str], words: list[str], out: int) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    found_at_import = os.environ["AWS_DATA_PATH"]
    os.environ.clear()
    os.environ.update(environment, AWS_DATA_PATH=found_at_import)
    code: Any = 255
    try:
        code = awscli.clidriver.create_clidriver().main(words)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 -- a fork must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _warm_up() -> None:
    """Read what every command line reads: Cognito's API as data, and more."""
    load = cache(JSONFileLoader().load_file)
    patch.object(JSONFileLoader, "load_file", lambda _, path: load(path)).start()
    with redirect_stdout(StringIO()):
        words = ["cognito-idp", "admin-user-global-sign-out", "--generate-cli-skeleton"]
        awscli.clidriver.create_clidriver().main(words)


if __name__ == "__main__":
    import awscli.clidriver  # type: ignore[import-untyped]  # it ships no types
    from botocore.loaders import JSONFileLoader

    _warm_up()
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)  # noqa: T201 -- that is how it answers
