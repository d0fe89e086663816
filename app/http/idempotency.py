"""Idempotency-Key: a request that creates may be sent again, and again at once, and has one effect and one answer.

The first request claims the key in a row of its own, is carried out, and leaves its answer there; whoever comes
later gets that answer. Only success is kept: after a refusal the key is free again. A server killed in between
leaves a claim that runs out; the request is then carried out anew, and the unique keys of what it creates decide.

An answer may show a secret once, so what is kept is sealed to the request: only its sender's credentials and key,
which are kept nowhere, open it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet
from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from app.db.database import Database
from app.errors import Conflict, Malformed, Problem, refuse
from app.http.tables import KeptAnswer

log = logging.getLogger(__name__)
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
CLAIM = timedelta(seconds=120)
PATIENCE_SECONDS = 20.0
_KEPT_HEADERS = ("content-type", "location", "etag", "cache-control")
_CHUNK = 1 << 20

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One attempt: whose key (`scope`), for what (`fingerprint`), its own mark (`claim`), and what seals its answer."""

    scope: str
    fingerprint: str
    claim: str
    seal: Fernet


def begin(db: Database, asked: Asked, now: datetime) -> KeptAnswer | None:
    """Claim the key; None: it is ours. Else the row of the attempt that holds it or has answered it.

    Raises Refused `idempotency.other_request` where the key was used for something else.
    """
    made = KeptAnswer(
        scope=asked.scope,
        fingerprint=asked.fingerprint,
        claim=asked.claim,
        claimed_until=now + CLAIM,
        created_at=now,
    )
    try:
        with db.write() as session:
            session.execute(delete(KeptAnswer).where(col(KeptAnswer.created_at) < now - KEPT_FOR))
            held = session.get(KeptAnswer, asked.scope, with_for_update=True)
            if held is not None and held.status is None and held.claimed_until < now:
                session.delete(held)
                session.flush()
                held = None
            if held is None:
                session.add(made)
                session.flush()
                return None
    except IntegrityError:  # another server claimed it in this moment
        return begin(db, asked, now)
    if held.fingerprint != asked.fingerprint:
        raise _other_request()
    return held


def keep(db: Database, asked: Asked, response: Response) -> None:
    """Leave the answer for those who ask again; nothing where another attempt has taken the claim over."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    with db.write() as session:
        session.execute(
            update(KeptAnswer)
            .where(col(KeptAnswer.scope) == asked.scope, col(KeptAnswer.claim) == asked.claim)
            .values(
                status=response.status_code, headers=headers, body=asked.seal.encrypt(bytes(response.body))
            )
        )


def release(db: Database, asked: Asked) -> None:
    """Free the key: nothing was created."""
    with db.write() as session:
        mine = (col(KeptAnswer.scope) == asked.scope) & (col(KeptAnswer.claim) == asked.claim)
        session.execute(delete(KeptAnswer).where(mine, col(KeptAnswer.status).is_(None)))


class IdempotentRoute(APIRoute):
    """A route whose POSTs honour Idempotency-Key. Answers that are repeated say so in `Idempotency-Replayed`."""

    def get_route_handler(self) -> Handler:
        """The usual handler, once per key."""
        handler = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if request.method != "POST" or key is None:
                return await handler(request)
            try:
                return await _once(request, _checked(key), handler)
            finally:
                await request.close()

        return once


async def _once(request: Request, key: str, handler: Handler) -> Response:
    db: Database = request.app.state.database
    scope, seal = (_digest(use, *_asking(request, key)) for use in ("scope", "seal"))
    sealing = Fernet(base64.urlsafe_b64encode(bytes.fromhex(seal)))
    asked = Asked(scope, await _fingerprint(request), uuid.uuid4().hex, sealing)
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while (held := await run_in_threadpool(begin, db, asked, datetime.now(UTC))) is not None:
        if held.status is not None:
            replayed = {**(held.headers or {}), REPLAYED: "true"}
            return Response(asked.seal.decrypt(held.body or b""), held.status, replayed)
        if asyncio.get_running_loop().time() > deadline:
            raise _running()
        await asyncio.sleep(0.05)
    try:
        response = await handler(request)
    except BaseException:
        await _settle(release, db, asked)
        raise
    if response.status_code < 300:
        await _settle(keep, db, asked, response)
    else:
        await _settle(release, db, asked)
    return response


async def _settle(what: Callable[..., None], db: Database, asked: Asked, *more: Response) -> None:
    """Keep the answer or free the key; where the database can't take that now the claim runs out by itself.

    The answer goes out all the same: what it tells of has been done, or refused, already.
    """
    try:
        await run_in_threadpool(what, db, asked, *more)
    except OperationalError:
        log.warning("an Idempotency-Key could not be settled: %s", what.__name__)


def _checked(key: str) -> str:
    if not 1 <= len(key) <= 255 or not all(" " < character <= "~" for character in key):
        raise Malformed(
            Problem(
                "idempotency.key",
                "Idempotency-Key 须为 1 至 255 个可见 ASCII 字符。",
                "Idempotency-Key has to be 1 to 255 visible ASCII characters.",
                "请为每次新建操作生成一个随机值（例如 UUID），重试时原样使用。",
                "Make a random value (a UUID) for each creation and send the same one when you try again.",
            )
        )
    return key


def _asking(request: Request, key: str) -> tuple[str, ...]:
    who = (request.headers.get("authorization", ""), request.headers.get("cookie", ""))
    return (*who, request.method, request.url.path, key)


def _digest(*parts: str) -> str:
    joined = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
    return hashlib.sha256(joined).hexdigest()


async def _fingerprint(request: Request) -> str:
    """Of query and body; a form's parts are taken one by one, for its boundary differs each time."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        return _digest(request.url.query, *[part async for part in _parts(await request.form())])
    return _digest(request.url.query, hashlib.sha256(await request.body()).hexdigest())


async def _parts(form: FormData) -> AsyncIterator[str]:
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            digest = hashlib.sha256()
            while chunk := await value.read(_CHUNK):
                digest.update(chunk)
            await value.seek(0)
            yield f"{name}:{value.filename}:{digest.hexdigest()}"
        else:
            yield f"{name}={value}"


def _other_request() -> Exception:
    return refuse(
        "idempotency.other_request",
        "该 Idempotency-Key 已用于另一个请求。",
        "This Idempotency-Key was used for another request.",
        "新的请求请换新的值；重试时内容须与原请求一致。",
        "Use a new value for a new request; a repeat has to be the same request.",
    )


def _running() -> Conflict:
    return Conflict(
        Problem(
            "idempotency.running",
            "同一 Idempotency-Key 的请求仍在处理。",
            "The request with this Idempotency-Key is still being carried out.",
            "请稍后用同一值重试，将得到同一回答。",
            "Try again later with the same value: you'll get the same answer.",
        )
    )
