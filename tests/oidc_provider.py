"""A small OpenID provider of its own on loopback: real endpoints, real keys, real signatures; it lies where told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(65537, 2048)
FOREIGN = rsa.generate_private_key(65537, 2048)
CLIENT = "double-random"


class Provider:
    """Answers with codes for `subject`; `claims` and `sign` change what its ID tokens say and how they are signed."""

    def __init__(self) -> None:
        self.subject = "248289761001"
        self.claims: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: signed(claims)
        self.asked: dict[str, dict[str, str]] = {}
        self.redeemed: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorized(asked))
                    self.end_headers()
                    return
                pages = {"/.well-known/openid-configuration": provider.described, "/keys": keys}
                self.told(200, pages[parts.path]())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                token = provider.token(form, self.headers.get("Authorization", ""))
                self.told(200 if token else 400, {"id_token": token} if token else {"error": "invalid_grant"})

            def told(self, status: int, found: dict[str, Any]) -> None:
                data = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as in the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def authorized(self, asked: dict[str, str]) -> str:
        code = f"code-{len(self.asked)}"
        self.asked[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> str:
        """An ID token for a code that was given out, once, to who proves PKCE and knows the client's secret."""
        asked = self.asked.get(form["code"])
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        pair = base64.b64encode(f"{CLIENT}:secret".encode()).decode()
        good = asked is not None and form["code"] not in self.redeemed and authorization == f"Basic {pair}"
        if asked is None or not good or challenge != asked["code_challenge"]:
            return ""
        self.redeemed.append(form["code"])
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "roles": ["security_admin"], "groups": ["admin"],
        }  # fmt: skip
        wanted = {**claims, **self.claims}
        return self.sign({name: value for name, value in wanted.items() if value is not None})


def keys() -> dict[str, Any]:
    """The public half as JWKS."""
    found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return {"keys": [{**found, "kid": "one", "use": "sig", "alg": "RS256"}]}


def signed(claims: dict[str, Any], key: rsa.RSAPrivateKey = KEY) -> str:
    """As it should be."""
    return jwt.encode(claims, key, "RS256", headers={"kid": "one"})


def unsigned(claims: dict[str, Any]) -> str:
    """`alg` none, and no signature."""
    return f"{_part({'alg': 'none', 'typ': 'JWT', 'kid': 'one'})}.{_part(claims)}."


def keyed_with_the_public_key(claims: dict[str, Any]) -> str:
    """HMAC with the public key's PEM as secret (algorithm confusion)."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, spki)
    head = _part({"alg": "HS256", "typ": "JWT", "kid": "one"})
    body = f"{head}.{_part(claims)}"

    return f"{body}.{_plain(hmac.digest(pem, body.encode(), 'sha256'))}"


def _part(found: dict[str, Any]) -> str:
    return _plain(json.dumps(found).encode())


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
