"""Logs as events with fields on stderr, one line each, without secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED: Final = "[redacted]"
_SECRET_KEY: Final = re.compile(
    r"authorization|password|passwd|secret|token|cookie|signature|(api|private|access)_?key", re.IGNORECASE
)
# Counts and ids that only sound like secrets.
_HARMLESS_KEY: Final = re.compile(r"^(tokens|token_id|client_token|access_key_id|max_tokens)$", re.IGNORECASE)
# Without the values of local variables: those are what a request brought.
_TRACEBACKS: Final = ExceptionDictTransformer(show_locals=False, max_frames=20)
_SECRET_TEXT: Final = (
    re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}"),
    re.compile(r"(?i)((?:secret|password|signature|token)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]{6,}"),
    # The password in a database's URL.
    re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"),
)


def configure(
    *, level: str = "info", format: Literal["json", "console"] = "json", stream: TextIO | None = None
) -> None:
    """Send this process's logs, the standard library's among them, to `stream`, stderr unless given.

    What structlog.contextvars binds, such as a request's id, is on every line that is written meanwhile. Give uvicorn
    `log_config=None`, or it sets up its own loggers again.
    """
    out = stream or sys.stderr
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=_render(format, out)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Otherwise these speak of every request, and the second shows request bodies when asked for everything.
    for name in ("uvicorn.access", "botocore", "boto3", "urllib3", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _render(format: Literal["json", "console"], out: TextIO) -> list[Processor]:
    """What turns an event into a line; secrets go after exceptions have become text, which can hold them."""
    last: list[Processor]
    if format == "json":
        last = [
            structlog.processors.ExceptionRenderer(_TRACEBACKS),
            redact,
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    else:
        last = [structlog.processors.format_exc_info, redact, structlog.dev.ConsoleRenderer(colors=out.isatty())]
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take out values under keys that name secrets, at any depth, and secrets inside texts."""
    return {key: _clean(value, key) for key, value in event.items()}


def _clean(value: Any, key: str = "") -> Any:
    if _SECRET_KEY.search(key) and not _HARMLESS_KEY.match(key):
        return REDACTED
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, bytes):
        return f"[{len(value)} bytes]"
    if isinstance(value, MutableMapping):
        return {name: _clean(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return value


def _clean_text(text: str) -> str:
    for pattern in _SECRET_TEXT:
        text = pattern.sub(rf"\1{REDACTED}", text)
    return text


def _json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=_fallback, option=orjson.OPT_NON_STR_KEYS).decode()


def _fallback(value: object) -> str:
    return _clean_text(repr(value))
