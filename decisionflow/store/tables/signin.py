"""Signing in beyond a password: second factors, subjects of an identity provider, tokens for programs, two-person acts.

What is a secret stands here as a hash, or sealed with a key that is not in the database.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

_INFRA = {"info": {"class": "infrastructure"}}


class SecondFactor(SQLModel, table=True):
    """The TOTP secret of an account, sealed; `last_step` is the time step of the last code that was taken."""

    __tablename__ = "second_factor"
    __table_args__ = (_INFRA,)
    account_id: str = Field(primary_key=True)
    secret: str
    active: bool
    last_step: int = Field(sa_column=Column(BigInteger, nullable=False))
    made_at: datetime


class RecoveryCode(SQLModel, table=True):
    """A code for whoever has lost the second factor: used once, kept as a keyed hash."""

    __tablename__ = "recovery_code"
    __table_args__ = (_INFRA,)
    account_id: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    used_at: datetime | None


class SignInMiss(SQLModel, table=True):
    """How often a name and a source missed in a row; `mark` is a keyed hash of both, whether the name exists or not."""

    __tablename__ = "sign_in_miss"
    __table_args__ = (_INFRA,)
    mark: str = Field(primary_key=True)
    count: int
    last_at: datetime


class OidcSubject(SQLModel, table=True):
    """Which person of the register a subject of an identity provider is."""

    __tablename__ = "oidc_subject"
    __table_args__ = (_INFRA,)
    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    person_id: str
    linked_by: str
    linked_at: datetime


class OidcFlow(SQLModel, table=True):
    """A visit to the identity provider that has begun; `proves` is the session that only wants to prove itself again."""

    __tablename__ = "oidc_flow"
    __table_args__ = (_INFRA,)
    state: str = Field(primary_key=True)
    nonce: str
    verifier: str
    back: str
    proves: str
    begun_at: datetime


class OidcLink(SQLModel, table=True):
    """A one-time code by which a person who is signed in here takes an unknown subject for their own."""

    __tablename__ = "oidc_link"
    __table_args__ = (_INFRA,)
    digest: str = Field(primary_key=True)
    issuer: str
    subject: str
    made_at: datetime


class ApiToken(SQLModel, table=True):
    """A token for a program: it acts through one appointment, within its scopes, and dies with the appointment."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_api_token_person", "person_id"), _INFRA)
    id: str = Field(primary_key=True)
    token_hash: str
    name: str
    authority_id: str
    person_id: str
    appointment_id: str
    scopes: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class AccountRequest(SQLModel, table=True):
    """A deed on an account that takes two persons; `settled` is '' while it waits, then the entry that settled it."""

    __tablename__ = "account_request"
    __table_args__ = (_INFRA,)
    authority_id: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    account_id: str
    deed: str
    reason: str
    proposed_by: str
    proposed_name: str
    proposed_at: datetime
    settled: str
