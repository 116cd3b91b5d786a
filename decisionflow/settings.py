"""What the site configures, read once by a door from the environment; every problem listed at once.

Each name is ``DECISIONFLOW_<NAME>``; a secret may instead be given as ``DECISIONFLOW_<NAME>_FILE``.
Nothing else in the house reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from decisionflow.errors import BadInput, Problem

PREFIX = "DECISIONFLOW_"
_SECRETS = ("DATABASE_URL", "REDIS_URL", "SMTP_PASSWORD", "OIDC_CLIENT_SECRET", "ACCOUNT_KEY")


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mail goes out. Without a host no mail is sent and in-app notices carry everything."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = "decisionflow@localhost"
    starttls: bool = False


@dataclass(frozen=True, slots=True)
class Oidc:
    """The identity provider of the government (统一身份认证). Without an issuer there are local accounts only."""

    issuer: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    name: str = "统一身份认证"


@dataclass(frozen=True, slots=True)
class Settings:
    """One frozen set of answers to all configuration questions.

    `proxies` are the addresses (or networks, with commas) of our own proxies: only they may say where a request comes from.
    `account_key` seals what the database holds of second factors; without it, a file in the key folder does.
    """

    database_url: str
    data_dir: Path
    public_url: str = "http://127.0.0.1:8080"
    redis_url: str = ""
    mail: Mail = field(default_factory=Mail)
    demo: bool = False
    embedded: bool = True
    session_hours: int = 8
    idle_minutes: int = 30
    upload_mb: int = 50
    today: str = ""
    proxies: str = "127.0.0.1"
    signin_profile: str = "asvs"
    reauth_minutes: int = 15
    oidc: Oidc = field(default_factory=Oidc)
    account_key: str = field(default="", repr=False)

    @property
    def blob_dir(self) -> Path:
        return self.data_dir / "blobs"

    @property
    def key_dir(self) -> Path:
        return self.data_dir / "keys"

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by HTTPS: then cookies are ``__Host-`` and Secure."""
        return urlsplit(self.public_url).scheme == "https"


def load(environ: Mapping[str, str] | None = None, *, data_dir: Path | None = None) -> Settings:
    """The settings of an environment. Raises BadInput naming every variable that is wrong."""
    reader = _Reader(os.environ if environ is None else environ)
    folder = data_dir or Path(reader.text("DATA_DIR", "var")).absolute()
    mail = Mail(
        host=reader.text("SMTP_HOST"), port=reader.number("SMTP_PORT", 25, 1, 65535), user=reader.text("SMTP_USER"),
        password=reader.text("SMTP_PASSWORD"), sender=reader.text("SMTP_SENDER", "decisionflow@localhost"),
        starttls=reader.flag("SMTP_STARTTLS"),
    )  # fmt: skip
    oidc = Oidc(
        reader.url("OIDC_ISSUER", ""), reader.text("OIDC_CLIENT_ID"), reader.text("OIDC_CLIENT_SECRET"),
        reader.text("OIDC_NAME", "统一身份认证"),
    )  # fmt: skip
    if oidc.issuer and not oidc.client_id:
        reader.problems.append(
            Problem(PREFIX + "OIDC_CLIENT_ID", "设了 OIDC_ISSUER，也要写明 OIDC_CLIENT_ID", rule="config")
        )
    settings = Settings(
        database_url=reader.text("DATABASE_URL", f"sqlite:///{folder / 'decisionflow.db'}"), data_dir=folder,
        public_url=reader.url("PUBLIC_URL", "http://127.0.0.1:8080"), redis_url=reader.text("REDIS_URL"), mail=mail,
        demo=reader.flag("DEMO"), embedded=reader.flag("EMBEDDED", default=True),
        session_hours=reader.number("SESSION_HOURS", 8, 1, 24), idle_minutes=reader.number("IDLE_MINUTES", 30, 5, 480),
        upload_mb=reader.number("UPLOAD_MB", 50, 1, 1024), proxies=reader.text("PROXIES", "127.0.0.1"),
        signin_profile=reader.one("SIGNIN_PROFILE", ("asvs", "mlps3")),
        reauth_minutes=reader.number("REAUTH_MINUTES", 15, 0, 480), oidc=oidc, account_key=reader.text("ACCOUNT_KEY"),
    )  # fmt: skip
    if reader.problems:
        raise BadInput(reader.problems)
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[Problem] = []

    def text(self, name: str, default: str = "") -> str:
        key = PREFIX + name
        path = self.environ.get(f"{key}_FILE") if name in _SECRETS else None
        if path:
            try:
                return Path(path).read_text("utf-8").strip()
            except OSError as fault:
                self.problems.append(Problem(f"{key}_FILE", f"读不到文件：{fault.strerror}", rule="config"))
                return default
        return self.environ.get(key, "").strip() or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        given = self.text(name, str(default))
        if given.isdigit() and low <= int(given) <= high:
            return int(given)
        self.problems.append(Problem(PREFIX + name, f"应当是 {low} 到 {high} 的整数，现为“{given}”", rule="config"))
        return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        given = self.text(name, "yes" if default else "no").lower()
        if given in ("yes", "true", "1", "no", "false", "0"):
            return given in ("yes", "true", "1")
        self.problems.append(Problem(PREFIX + name, f"应当是 yes 或 no，现为“{given}”", rule="config"))
        return default

    def one(self, name: str, known: tuple[str, ...]) -> str:
        given = self.text(name, known[0])
        if given in known:
            return given
        self.problems.append(Problem(PREFIX + name, f"应当是 {'、'.join(known)} 之一，现为“{given}”", rule="config"))
        return known[0]

    def url(self, name: str, default: str) -> str:
        given = self.text(name, default)
        if not given:
            return ""
        if urlsplit(given).scheme in ("http", "https") and urlsplit(given).netloc:
            return given.rstrip("/")
        self.problems.append(Problem(PREFIX + name, f"应当是完整的网址，现为“{given}”", rule="config"))
        return default
