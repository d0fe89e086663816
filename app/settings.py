"""One frozen settings object, read once from the environment (and `.env`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting of the service; names in the environment are the same in capitals."""

    model_config = SettingsConfigDict(env_file=".env", frozen=True, extra="ignore")

    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite under `data_dir`.")
    data_dir: Path = Field(default=Path("var"), description="Where the embedded database and files live.")
    host: str = Field(default="127.0.0.1", description="Address to serve on; loopback until accounts exist.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to serve on; 0: any free one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What is logged at least, as JSON lines on standard error."
    )
    workers: int = Field(default=0, ge=0, description="Processes that solve; 0: one per core.")
    dask_scheduler: str = Field(
        default="",
        description="A Dask scheduler (`tcp://…:8786`) whose workers solve; empty: processes of this machine.",
    )
    tick_seconds: int = Field(default=5, ge=1, description="How often the clock looks for what is due.")
    lease_seconds: int = Field(
        default=60, ge=1, description="How long a worker holds a round between renewals."
    )
    upload_limit_mb: int = Field(default=512, ge=1, description="Largest file an import takes.")
    body_limit_kb: int = Field(default=1024, ge=1, description="Largest body of a request that is no upload.")
    body_seconds: float = Field(
        default=30.0, gt=0, description="How long a body may take; uploads get a second more per 20 kB."
    )
    idle_seconds: float = Field(default=10.0, gt=0, description="How long a body may pause.")
    import_inline_kb: int = Field(
        default=1024, ge=0, description="Largest upload that is imported while its sender waits."
    )
    risk_limit_ppm: int = Field(
        default=600_000,
        ge=0,
        le=1_000_000,
        description="Largest posterior of a credit class that may be shown.",
    )
    webhook_private_hosts: str = Field(
        default="",
        description="Receivers of webhooks that may have private addresses and plain http, by host, parted by commas.",
    )
    message_gateway: str = Field(
        default="",
        description="Where messages to persons are posted for SMS or mail; empty: files in `data_dir/messages`.",
    )
    message_secret: str = Field(
        default="", description="Signs what the gateway gets (`whsec_…`, as for webhooks)."
    )
    oidc_issuer: str = Field(
        default="", description="OpenID provider of staff (https); empty: passwords only."
    )
    oidc_client_id: str = Field(default="", description="Our client id there.")
    oidc_client_secret: str = Field(default="", description="Our client secret there; empty: PKCE alone.")
    firm_oidc_issuer: str = Field(
        default="", description="OpenID provider of firms; empty: one-time codes only."
    )
    firm_oidc_client_id: str = Field(default="", description="Our client id there.")
    firm_oidc_client_secret: str = Field(
        default="", description="Our client secret there; empty: PKCE alone."
    )
    disclosure_working_days: int = Field(
        default=20,
        ge=1,
        description="Working days after its completion in which a check's result is disclosed.",
    )
    withdrawal_working_days: int = Field(
        default=3, ge=1, description="Working days after a decision's revocation to withdraw its result."
    )
    objection_working_days: int = Field(
        default=20, ge=1, description="Working days in which a firm's objection is answered."
    )
    warning_working_days: int = Field(
        default=5, ge=0, description="Working days before a deadline from which it is warned of."
    )
    display_days: int = Field(default=1_096, ge=1, description="Days for which a disclosed result is shown.")
    results_before_reveal: bool = Field(
        default=True,
        description="Show a disclosed result before its round is revealed, as the law's 20 working days ask.",
    )
    estimates_minutes: int = Field(
        default=60, ge=1, description="How often the rates of what changed are estimated anew."
    )
    evidence_limit_mb: int = Field(default=20, ge=1, description="Largest photo or file of a visit.")
    drand_url: str = Field(default="https://api.drand.sh", description="Where a drand round is fetched from.")

    def url(self) -> str:
        """The database's SQLAlchemy URL; makes the folder of the embedded one."""
        if self.database_url:
            return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{(self.data_dir / 'double-random.db').resolve()}"


@cache
def settings() -> Settings:
    """The process's settings."""
    return Settings()
