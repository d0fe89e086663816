"""Secrets at rest: from the operating system's generator, encrypted to the service's key (Fernet).

The key lies beside the embedded database, readable by the service's user alone; on PostgreSQL in `data_dir` likewise.
Losing it never changes a draw: each party can supply its secret again, and a logged result stays what it is.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from app.errors import Conflict, Problem

KEY_FILE = "service.key"


class Vault:
    """Seals and opens secrets with the key in `directory`, made on first use with mode 0600."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        path = directory / KEY_FILE
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        key = path.read_bytes()
        self._fernet = Fernet(key)
        self._mac_key = hmac.digest(key, b"DR1/mac", "sha256")

    def mac(self, message: bytes) -> str:
        """HMAC-SHA-256 under a key that only this vault's file gives, hex: binds `message` and hides it."""
        return hmac.digest(self._mac_key, message, "sha256").hex()

    def seal(self, secret: bytes) -> bytes:
        """Encrypt `secret`."""
        return self._fernet.encrypt(secret)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt, or say which key is wanted."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as error:
            raise Conflict(
                Problem(
                    "vault.wrong_key",
                    "服务密钥与存档的秘密不匹配，无法解密。",
                    f"The service's key does not open the deposited secret ({KEY_FILE} is another one).",
                    "请恢复原 service.key，或由各方重新提交秘密。",
                    "Put the original service.key back, or have each party supply its secret again.",
                )
            ) from error


def _make(path: Path) -> None:
    """Make the key file whole or not at all, so that a kill leaves no empty one; the first one made stays."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def new_secret() -> bytes:
    """32 bytes from the operating system's generator."""
    return secrets.token_bytes(32)
