"""Imports every module under bot/ of the working directory, and fails where one does more than define things.

Run by test_imports.py in a fresh interpreter: an audit hook cannot be taken off again.
"""

import importlib
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

from pydantic import create_model

OURS = str(Path.cwd() / "bot") + os.sep
# No one may do these meanwhile. Libraries read files of their own and try for IPv6; our modules may not even do that.
NO_ONE = {"os.mkdir", "os.remove", "os.rename", "socket.connect", "socket.getaddrinfo", "sqlite3.connect"}
NOT_WE = {"open", "os.listdir", "os.scandir", "socket.__new__", "subprocess.Popen"}


def asked_for_by_our_module() -> bool:
    frame = sys._getframe(2)
    while frame.f_back and not frame.f_code.co_filename.startswith(("<frozen importlib", OURS)):
        frame = frame.f_back
    return frame.f_code.co_filename.startswith(OURS)


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    writes = event == "open" and bool(int(arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR))
    if event in NO_ONE or writes or (event in NOT_WE and asked_for_by_our_module()):
        raise AssertionError(f"{event} {arguments[:1]} while a module is imported")


def main() -> None:
    sys.path[0] = str(Path.cwd())
    bot = importlib.import_module("bot")
    create_model("First")  # with its first model, pydantic looks on the disk for plugins of its own
    sys.addaudithook(watch)
    for found in pkgutil.walk_packages(bot.__path__, "bot."):
        importlib.import_module(found.name)
        sys.stdout.write(f"{found.name}\n")


if __name__ == "__main__":
    main()
