"""What an endpoint's error says, whatever its shape, and which errors no request can pass.

    ErrorReply.of(422, '{"detail": [{"loc": ["body", "n"], "msg": "n must be 1"}]}')
        -> ErrorReply(status=422, message="n: n must be 1", param="n", ...)

Errors come as {"error": {...}} (OpenAI), {"error": "..."} (TGI), [{"error": {...}}] (Gemini), {"message": ...} (older
vLLM), {"detail": ...} (FastAPI), text, or a gateway's web page.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 500
_TITLE = re.compile(r"<title[^>]*>(?P<title>.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_PAGE = re.compile(r"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|title)\b", re.IGNORECASE | re.DOTALL)

_EXHAUSTED = re.compile(
    r"insufficient[ _](quota|credits?|balance|funds|user quota)|credit balance|"
    r"balance is (too low|not enough|insufficient)|negative (credit )?balance|"
    r"exceeded[ _](your )?current[ _](\w+ )?quota|(out of|no|any|available|remaining) credits|"
    r"billing[ _](hard[ _])?limit|(spend|spending|budget|credit|usage)[ _]limits? (has been |was )?(reached|exceeded)|"
    r"exceeded[ _](their |your |its )?(\w+ )?(budget|credit|spend)|budget has been exceeded|ExceededBudget|"
    r"good standing|arrear|overdue|prepaid|top[ -]?up|recharge|payment required|account (is )?(suspended|exhausted)|"
    r"余额不足|欠费|请充值",
    re.IGNORECASE,
)
_FOR_LONG = re.compile(
    r"(per[ _-]?|/ ?|each )(day|month|week)\b|PerDay|PerMonth|\b(daily|monthly|weekly)\b|\((RPD|TPD)\)", re.IGNORECASE
)
_FOR_SHORT = re.compile(r"(per[ _-]?|/ ?)(minute|second|min|sec)\b|PerMinute|PerSecond|\((RPM|TPM)\)", re.IGNORECASE)
_FILTERED = re.compile(
    r"content[ _-]?(filter|policy|management|moderation)|data[ _]?inspection|responsible[ _]?ai|prohibited[ _]content|"
    r"(input|prompt|content|request) (was |is |has been )?(flagged|blocked)|safety (system|filter|setting|policy)|"
    r"inappropriate content|sensitive content",
    re.IGNORECASE,
)
_UNKNOWN_MODEL = re.compile(
    r"(unknown|invalid|no such|not a valid|unsupported) model|"
    r"model[\w ]* [^ ]* ?(was |is |does )?not (found|exist|available)|"
    r"model[ _]not[ _](found|exist)|model .{0,80}does not exist",
    re.IGNORECASE,
)
_WRONG_KEY = re.compile(
    r"(api|access)[ _-]?key.{0,20}(not valid|invalid|expired|missing)|invalid[ _]api[ _-]?key", re.I
)
_OF_LENGTH = re.compile(r"context|too (long|large|many)|length|exceeds?\b", re.IGNORECASE)
_OF_ALL = re.compile(
    r"not[ _](supported|permitted|allowed|enabled|recogni[sz]ed|implemented)|"
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|only (supports?|support)|must be set|"
    r"(is|are) required|deprecated|decommissioned|invalid_parameter",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class ErrorReply:
    """An error of an endpoint: HTTP status, and its words in one line."""

    status: int
    message: str
    codes: tuple[str, ...] = ()  # its "code", "type" and "status"
    param: str | None = None
    is_page: bool = False  # a web page: a gateway answered, not the endpoint
    raw: str = ""  # the whole text, for what the message leaves out
    is_flagged: bool = False  # the reasons for which an input was flagged are given (OpenRouter)

    @classmethod
    def of(cls, status: int, text: str) -> "ErrorReply":
        """The error in a response's text."""
        if _PAGE.match(text):
            return cls(status=status, message=_one_line(_title(text)), is_page=True, raw=text)
        try:
            body = json.loads(text)
        except ValueError:
            body = text
        return cls.in_body(status, body, text)

    @classmethod
    def in_body(cls, status: int, body: object, text: str | None = None) -> "ErrorReply":
        """The error in a parsed body; ``text`` is the body's own."""
        text = json.dumps(body, ensure_ascii=False, default=str) if text is None else text
        objects = list(_objects(body))
        params = [str(one["param"]) for one in objects if one.get("param")]
        params += [str(one["loc"][-1]) for one in objects if isinstance(one.get("loc"), list) and one["loc"]]
        said = "; ".join(dict.fromkeys(_messages(body))) or text
        return cls(
            status=status,
            message=_one_line(said) or f"HTTP {status} without a word",
            codes=tuple(
                str(one[name])
                for one in objects
                for name in ("code", "type", "status")
                if isinstance(one.get(name), str | int)
            ),
            param=params[0] if params else None,
            raw=text,
            is_flagged=any("reasons" in one for one in objects),
        )

    @property
    def is_exhausted(self) -> bool:
        """The account has no money or no quota left, for a day or longer."""
        said = f"{self.message} {' '.join(self.codes)}"
        if self.status == 402 or "402" in self.codes or "insufficient_quota" in self.codes:
            return True
        is_for_short = _FOR_SHORT.search(self.raw) is not None and "PerDay" not in self.raw
        if self.status == 429 and _FOR_LONG.search(self.raw) and not is_for_short:
            return True
        # Gemini speaks of the "current quota" where it means a minute's.
        return bool(_EXHAUSTED.search(said)) and not (self.status == 429 and is_for_short)

    @property
    def is_filtered(self) -> bool:
        """A content filter stopped this one request."""
        if self.status == 403 and self.is_flagged:
            return True
        return self.status in (400, 403, 422, 451) and bool(_FILTERED.search(f"{self.message} {' '.join(self.codes)}"))

    @property
    def is_unknown_model(self) -> bool:
        """The endpoint does not serve the model."""
        if self.status == 404:
            return "no_completion" not in self.codes  # a local teacher's
        return self.status in (400, 422) and bool(_UNKNOWN_MODEL.search(f"{self.message} {' '.join(self.codes)}"))

    @property
    def is_wrong_key(self) -> bool:
        """The key is missing, wrong or not allowed."""
        if self.status in (401, 403):
            return True
        return self.status == 400 and bool(_WRONG_KEY.search(f"{self.message} {' '.join(self.codes)}"))

    @property
    def is_of_settings(self) -> bool:
        """A refusal of what every request holds (a role, a parameter), not of one request's length or content."""
        said = f"{self.message} {' '.join(self.codes)}"
        return self.status in (400, 405, 415, 422) and bool(_OF_ALL.search(said)) and not _OF_LENGTH.search(said)

    @property
    def is_transient(self) -> bool:
        """Whether the request is worth another attempt."""
        return is_transient(self.status)

    @property
    def same_words(self) -> str:
        """Status and message without what differs from request to request (numbers, ids, quotes)."""
        return f"{self.status} " + re.sub(r"\S*\d\S*|'[^']*'|\"[^\"]*\"", "#", self.message)


def is_transient(status: int) -> bool:
    """Whether an HTTP status is worth another attempt."""
    return status in (408, 409, 425, 429) or status >= 500


def _objects(body: object) -> Iterator[Mapping[str, Any]]:
    """Every JSON object in a body, the outermost first; JSON in a text counts (OpenRouter's ``metadata.raw``)."""
    if isinstance(body, str) and body.lstrip().startswith(("{", "[")):
        try:
            body = json.loads(body)
        except ValueError:
            return
    if isinstance(body, Mapping):
        yield body
        for value in body.values():
            yield from _objects(value)
    elif isinstance(body, list):
        for value in body:
            yield from _objects(value)


_SAYING = ("message", "msg", "detail", "error", "errors", "error_msg", "error_message", "status_msg", "reason", "title")


def _messages(body: object) -> Iterator[str]:
    """What a body says, with the place where it names one."""
    for one in _objects(body):
        where = [str(part) for part in one["loc"] if part != "body"] if isinstance(one.get("loc"), list) else []
        for name in _SAYING:
            said = one.get(name)
            if isinstance(said, list) and all(isinstance(part, str) for part in said):
                said = "; ".join(said)
            if isinstance(said, str) and said.strip() and not said.lstrip().startswith(("{", "[")):
                yield f"{'.'.join(where)}: {said}" if where else said


def _title(page: str) -> str:
    found = _TITLE.search(page)
    return html.unescape(found["title"] if found and found["title"].strip() else _TAGS.sub(" ", page)) or "no text"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
