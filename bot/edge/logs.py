"""Logging to standard error, one line a record, without any secret, even where a library writes one."""

import logging
import os
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Literal

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.visible import visible

Shape = Literal["json", "console"]

# slack_sdk writes response_urls at DEBUG and the Socket Mode ticket at ERROR: these forms are hidden everywhere, as
# Slack's JSON (`\/`) and its forms (`%2F`) write them too. A request's signature could be sent again for 300 s.
_SLASH, _COLON = r"(?:\\*/|%2[Ff])", r"(?::|%3[Aa])"
_REST = r"(?:[^\s'\"<>\\&]|(?:\\+/|&|\\+u0026)(?=[\w%]))+"
_FORMS = re.compile(
    r"(?P<token>xox[a-z]-|xapp-)[\w-]+"
    rf"|(?P<url>https?{_COLON}{_SLASH}{{2}}[^\s'\"<>]{{0,300}}?{_SLASH}(?:commands|actions|services|workflows){_SLASH}){_REST}"
    rf"|(?P<ticket>wss?{_COLON}{_SLASH}{{2}}[^\s'\"<>?]{{0,300}}?(?:\?|%3[Ff])){_REST}"
    r"|(?P<signature>\bv0=)[0-9a-fA-F]{64}"
)
_BELOW_IT_LIBRARIES_QUOTE_PAYLOADS = logging.INFO
_OURS = "bot"
_LENT = ("bot.slack.bolt", "bot.edge.aiohttp")  # names of ours under which a library writes

log = logging.getLogger(__name__)


class RedactingFormatter(ProcessorFormatter):
    """Makes one line of a record, `json` or `console`; only a console's traceback has more, all of them indented.

    `secrets`, and everything that has a secret's form, are hidden in every field before anything is rendered.
    """

    def __init__(self, secrets: Sequence[str], shape: Shape = "json", *, colours: bool = False) -> None:
        self._secrets = re.compile("|".join(map(re.escape, secrets))) if secrets else None
        renderers: Mapping[Shape, Sequence[Processor]] = {
            "json": (structlog.processors.EventRenamer("message"), _in_order, structlog.processors.JSONRenderer()),
            "console": (_harmless, structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0)),
        }
        super().__init__(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.ExtraAdder(allow=("request_id", "entry_id")),
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                ProcessorFormatter.remove_processors_meta,
                self._hide,
                *renderers[shape],
            ]
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return one record without secrets."""
        try:
            return super().format(record)
        except Exception as error:  # noqa: BLE001 -- logging itself would print the arguments as they are
            why = f"A line of {record.name} could not be written ({type(error).__name__})"
            return super().format(logging.LogRecord(__name__, record.levelno, __file__, 0, why, (), None))

    def _hide(self, _: WrappedLogger, __: str, fields: EventDict) -> EventDict:
        return {self._hidden(name): self._hidden(str(value)) for name, value in fields.items()}

    def _hidden(self, text: str) -> str:
        if self._secrets:
            text = self._secrets.sub("[hidden]", text)
        return _FORMS.sub(lambda found: f"{found[found.lastgroup or 0]}[hidden]", text)


def _in_order(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    first = {name: fields.pop(name) for name in ("timestamp", "level", "logger", "message")}
    return {**first, **fields}


def _harmless(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
    """Show control characters, so that no name begins a line or paints the terminal; indent tracebacks."""
    trace = fields.pop("exception", "").splitlines()
    shown = {name: visible(value) for name, value in fields.items()}
    return shown | ({"exception": "\n".join(f"    {visible(line)}" for line in trace)} if trace else {})


def configure(level: str, secrets: Sequence[str], shape: Literal["auto"] | Shape = "auto") -> None:
    """Log from `level` on, libraries never below INFO. `auto` is `console` on a terminal, else `json`."""
    terminal = sys.stderr.isatty()
    if shape == "auto":
        shape = "console" if terminal else "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(secrets, shape, colours=terminal and "NO_COLOR" not in os.environ))
    handler.addFilter(_may_be_written)
    lowest = max(_BELOW_IT_LIBRARIES_QUOTE_PAYLOADS, logging.getLevelNamesMapping()[level])
    logging.basicConfig(level=lowest, handlers=[handler], force=True)
    logging.getLogger(_OURS).setLevel(level)
    # What would be printed past the formatter goes through it.
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _may_be_written(record: logging.LogRecord) -> bool:
    ours = record.name.startswith(f"{_OURS}.") and record.name not in _LENT
    return ours or record.levelno >= _BELOW_IT_LIBRARIES_QUOTE_PAYLOADS


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical("An error that nothing caught", exc_info=(kind, error, trace))
