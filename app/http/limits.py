"""What is refused before any endpoint sees it: bodies too large or too slow, and text that is no text.

Pure ASGI, so that a refusal costs no thread and uploads pass through uncopied. JSON bodies are read whole (they are
small by the limit) and looked through once; uploads are counted as they flow by.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import HeadersTooLarge, Malformed, Problem, Refused, TooLarge, TooSlow
from app.http.problem import refusal_response

_HIGH_OR_LOW: Final = re.compile("[\ud800-\udfff]")
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
HEADERS: Final = 100
HEADER_BYTES: Final = 32_000
_SMALLEST_RATE: Final = 20_000
UPLOADS: Final = re.compile(r"^/api/v1/registers/[a-z]+/imports$")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds. An upload gets `body_seconds` and a second more for each 20 kB that it declares."""

    json_bytes: int = 1 << 20
    upload_bytes: int = 512 << 20
    body_seconds: float = 30.0
    idle_seconds: float = 10.0
    depth: int = 64


class LimitMiddleware:
    """Refuses with problem details; everything else passes."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._limits, scope)
        try:
            check_headers(scope)
            check_address(scope)
            checked = await body.checked()
        except Refused as refused:
            await _respond(refused, scope, receive, send)
            return
        await self._app(scope, checked, _Instead(body, scope, receive, send))


class _Instead:
    """Sends what the application answers, unless the body was refused while it flowed: then that, whatever it says."""

    def __init__(self, body: _Body, scope: Scope, receive: Receive, send: Send) -> None:
        self._body, self._scope, self._receive, self._send = body, scope, receive, send
        self._started = self._replaced = False

    async def __call__(self, message: Message) -> None:
        """One message of the answer."""
        if self._body.refused is not None and not self._started:
            if not self._replaced:
                self._replaced = True
                await _respond(self._body.refused, self._scope, self._receive, self._send)
            return
        self._started = True
        await self._send(message)


async def _respond(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    response = refusal_response(Request(scope), refused)
    response.headers["Connection"] = "close"
    await response(scope, receive, send)


def check_headers(scope: Scope) -> None:
    """Refuse more headers than any client of ours has use for."""
    sizes = [len(name) + len(value) for name, value in scope["headers"]]
    if len(sizes) > HEADERS or sum(sizes) > HEADER_BYTES:
        raise HeadersTooLarge(
            Problem(
                "request.headers",
                f"请求头超过 {HEADERS} 个或 {HEADER_BYTES} 字节。",
                f"The request has more than {HEADERS} headers or {HEADER_BYTES} bytes of them.",
                "请减少请求头（例如清除 Cookie）后重试。",
                "Send fewer (clear cookies, say) and try again.",
            )
        )


def check_address(scope: Scope) -> None:
    """Refuse NUL and other control characters, and bytes that are not UTF-8, in path and query."""
    for raw in (scope.get("raw_path") or scope["path"].encode(), scope["query_string"]):
        try:
            text = unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            raise _malformed("encoding", "地址不是 UTF-8", "The address is not UTF-8") from None
        if any(character < " " or character == "\x7f" for character in text):
            raise _malformed("control", "地址含控制字符", "The address contains a control character")


class _Body:
    """The request's body, counted and timed as it arrives."""

    def __init__(self, receive: Receive, limits: Limits, scope: Scope) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._receive, self._limits = receive, limits
        self._upload = scope["method"] == "POST" and bool(UPLOADS.match(scope["path"]))
        self._most = limits.upload_bytes if self._upload else limits.json_bytes
        declared = headers.get("content-length", "")
        self._declared = int(declared) if declared.isascii() and declared.isdecimal() else 0
        self._has = bool(self._declared) or "transfer-encoding" in headers
        self._json = "json" in headers.get("content-type", "json")
        self._read, self._began = 0, 0.0
        self.refused: Refused | None = None

    async def checked(self) -> Receive:
        """The receive function to go on with. Raises TooLarge, TooSlow, Malformed."""
        if self._declared > self._most:
            raise _too_large(self._most)
        self._began = asyncio.get_running_loop().time()
        if not self._has or self._upload:
            return self._next
        chunks, more = [], True
        while more:
            message = await self._next()
            if message["type"] != "http.request":
                return _replay(message, self._receive)
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(chunks)
        if self._json and body:
            check_json(body, self._limits.depth)
        return _replay({"type": "http.request", "body": body, "more_body": False}, self._receive)

    async def _next(self) -> Message:
        """The next message, in time; a body that has come whole is waited behind without limit."""
        if not self._has:
            return await self._receive()
        loop = asyncio.get_running_loop()
        allowed = self._limits.body_seconds + (self._declared / _SMALLEST_RATE if self._upload else 0)
        left = min(self._limits.idle_seconds, self._began + allowed - loop.time())
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except TimeoutError:
            self.refused = _too_slow()
            raise self.refused from None
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            self.refused = _too_large(self._most)
            raise self.refused
        self._has = message.get("more_body", False)
        return message


def _replay(message: Message, receive: Receive) -> Receive:
    waiting = [message]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def check_json(body: bytes, depth: int) -> None:
    """Refuse what is no JSON text of ours: not UTF-8, nested deeper than `depth`, NaN, NUL, lone surrogates."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise _malformed("encoding", "正文不是 UTF-8", "The body is not UTF-8") from None
    if _depth(body) > depth:
        raise _malformed("depth", f"正文嵌套超过 {depth} 层", f"The body is nested deeper than {depth}")
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _malformed("json", "正文不是合法的 JSON", "The body is not valid JSON") from None
    for text in _texts(value):
        if "\0" in text:
            raise _malformed("nul", "文字中有 NUL 字符", "A text contains NUL")
        if _HIGH_OR_LOW.search(text):
            raise _malformed("surrogate", "文字中有半个代理字符", "A text contains half a surrogate pair")


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _depth(body: bytes) -> int:
    deepest = now = 0
    for token in _STRUCTURE.finditer(body):
        if token[0] in (b"[", b"{"):
            now += 1
            deepest = max(deepest, now)
        elif token[0] in (b"]", b"}"):
            now -= 1
    return deepest


def _texts(value: Any) -> list[str]:
    found: list[str] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            found += item
            waiting += item.values()
    return found


def _malformed(what: str, zh: str, en: str) -> Malformed:
    remedy = (
        "请按 UTF-8 编码的标准 JSON 和网址重新提交。",
        "Send standard JSON and addresses, encoded as UTF-8.",
    )
    return Malformed(Problem(f"request.{what}", f"{zh}。", f"{en}.", *remedy))


def _too_large(most: int) -> TooLarge:
    size = f"{most >> 20} MB" if most >> 20 else f"{most} B"
    return TooLarge(
        Problem(
            "request.too_large",
            f"请求超过 {size}。",
            f"The request is larger than {size}.",
            "拆分或压缩（.gz）文件，或用命令 register import 导入。",
            "Split or compress (.gz) the file, or use the command `register import`.",
            {"limit_bytes": most},
        )
    )


def _too_slow() -> TooSlow:
    return TooSlow(
        Problem(
            "request.too_slow",
            "请求正文没有及时到达。",
            "The request's body did not arrive in time.",
            "请检查网络后重试。",
            "Check the network and try again.",
        )
    )
