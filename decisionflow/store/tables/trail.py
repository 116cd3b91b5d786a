"""The trail, the vault of personal values, and the index of stored files. Insert-only but for heads."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel


class TrailEntry(SQLModel, table=True):
    """One entry: the canonical bytes, kept verbatim and hashed; other columns only find it."""

    __tablename__ = "trail_entry"
    __table_args__ = (
        UniqueConstraint("authority_id", "chain_kind", "chain_id", "chain_seq"),
        {"info": {"class": "trail"}},
    )
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    chain_kind: str
    chain_id: str
    chain_seq: int
    kind: str
    recorded_at: datetime
    data: bytes = Field(sa_type=LargeBinary)
    sha256: str
    sm3: str


class TrailChain(SQLModel, table=True):
    """Where each chain stands: the last number and its hash. Moves forward by one, never back."""

    __tablename__ = "trail_chain"
    __table_args__ = ({"info": {"class": "trail"}},)
    authority_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    chain_id: str = Field(primary_key=True)
    seq: int
    head: str


class TrailUnsealed(SQLModel, table=True):
    """Entries that have no place in the log yet; the sealer's work list."""

    __tablename__ = "trail_unsealed"
    __table_args__ = ({"info": {"class": "trail"}},)
    authority_id: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)


class TrailLeaf(SQLModel, table=True):
    """The place of an entry in its authority's log."""

    __tablename__ = "trail_leaf"
    __table_args__ = (UniqueConstraint("authority_id", "entry_id"), {"info": {"class": "trail"}})
    authority_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    entry_id: str


class TrailNode(SQLModel, table=True):
    """A complete subtree's hash; level 0 holds the leaf hashes."""

    __tablename__ = "trail_node"
    __table_args__ = ({"info": {"class": "trail"}},)
    authority_id: str = Field(primary_key=True)
    level: int = Field(primary_key=True)
    place: int = Field(primary_key=True, sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)


class TrailCheckpoint(SQLModel, table=True):
    """A signed statement of the log's size and root."""

    __tablename__ = "trail_checkpoint"
    __table_args__ = ({"info": {"class": "trail"}},)
    authority_id: str = Field(primary_key=True)
    size: int = Field(primary_key=True, sa_type=BigInteger)
    root: str
    note: str
    created_at: datetime


class VaultField(SQLModel, table=True):
    """A personal value and the salt of its commitment. Erasable without breaking a proof."""

    __tablename__ = "vault_field"
    __table_args__ = (Index("ix_vault_field_entry", "authority_id", "entry_id"), {"info": {"class": "vault"}})
    authority_id: str = Field(primary_key=True)
    commitment: str = Field(primary_key=True)
    entry_id: str
    path: str
    salt: bytes = Field(sa_type=LargeBinary)
    value: str


class Blob(SQLModel, table=True):
    """A stored file by its content hash. The bytes lie in the blob folder."""

    __tablename__ = "blob"
    __table_args__ = ({"info": {"class": "vault"}},)
    authority_id: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    sm3: str
    size: int
    type: str
    stored_at: datetime
