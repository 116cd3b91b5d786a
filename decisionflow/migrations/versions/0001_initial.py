"""The first schema: trail, vault, projections, infrastructure, and their guards.

Trail rows are insert-only in the database too. On SQLite triggers refuse UPDATE, DELETE and the
hidden delete of INSERT OR REPLACE. On PostgreSQL the app role may not write trail tables at all: it
calls `trail_append`, `trail_integrate` and `trail_note`; the first re-hashes the bytes and checks the chain.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


INSERT_ONLY = {
    "trail_entry": ("authority_id = new.authority_id and entry_id = new.entry_id", "chain"),
    "trail_leaf": ("authority_id = new.authority_id and position = new.position", "entry"),
    "trail_node": ("authority_id = new.authority_id and level = new.level and place = new.place", ""),
    "trail_checkpoint": ("authority_id = new.authority_id and size = new.size", ""),
}
_OTHER_KEYS = {
    "chain": " or (authority_id = new.authority_id and chain_kind = new.chain_kind"
    " and chain_id = new.chain_id and chain_seq = new.chain_seq)",
    "entry": " or (authority_id = new.authority_id and entry_id = new.entry_id)",
    "": "",
}


def sqlite_guards() -> list[str]:
    """Triggers that refuse every way SQL has of changing a trail row."""
    found = []
    for table, (key, other) in INSERT_ONLY.items():
        for verb in ("update", "delete"):
            found.append(
                f"create trigger {table}_no_{verb} before {verb} on {table}"
                f" begin select raise(abort, '{table} is insert-only'); end"
            )
        found.append(
            f"create trigger {table}_no_replace before insert on {table}"
            f" when exists (select 1 from {table} where ({key}){_OTHER_KEYS[other]})"
            f" begin select raise(abort, '{table} already has that place'); end"
        )
    found.append(
        "create trigger trail_chain_forward before update on trail_chain"
        " when new.authority_id <> old.authority_id or new.kind <> old.kind"
        " or new.chain_id <> old.chain_id or new.seq <> old.seq + 1"
        " begin select raise(abort, 'trail_chain only moves forward'); end"
    )
    found.append(
        "create trigger trail_chain_no_delete before delete on trail_chain"
        " begin select raise(abort, 'trail_chain is kept'); end"
    )
    return found


_REFUSE = """
create function trail_refuse() returns trigger language plpgsql as $$
begin raise exception '% is insert-only', tg_table_name using errcode = 'DF403'; end $$
"""

_APPEND = """
create function trail_append(
    p_authority text, p_kind text, p_chain text, p_seq bigint, p_prev text, p_entry text, p_entry_kind text,
    p_at timestamptz, p_data bytea, p_sha256 text, p_sm3 text
) returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if encode(sha256(convert_to(E'decisionflow/event/v1\n', 'UTF8') || p_data), 'hex') <> p_sha256 then
        raise exception 'entry % does not have the hash it claims', p_entry using errcode = 'DF422';
    end if;
    if p_seq = 1 then
        insert into trail_chain (authority_id, kind, chain_id, seq, head)
        values (p_authority, p_kind, p_chain, 1, p_sha256);
    else
        update trail_chain set seq = p_seq, head = p_sha256
        where authority_id = p_authority and kind = p_kind and chain_id = p_chain and seq = p_seq - 1 and head = p_prev;
        if not found then
            raise exception 'chain %/% moved on from %', p_kind, p_chain, p_seq - 1 using errcode = 'DF409';
        end if;
    end if;
    insert into trail_entry (authority_id, entry_id, chain_kind, chain_id, chain_seq, kind, recorded_at, data, sha256, sm3)
    values (p_authority, p_entry, p_kind, p_chain, p_seq, p_entry_kind, p_at, p_data, p_sha256, p_sm3);
    insert into trail_unsealed (authority_id, entry_id) values (p_authority, p_entry);
    return true;
end $$
"""

_INTEGRATE = """
create function trail_integrate(p_authority text, p_leaves jsonb, p_nodes jsonb) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into trail_leaf (authority_id, position, entry_id)
    select p_authority, (l->>'position')::bigint, l->>'entry_id' from jsonb_array_elements(p_leaves) l;
    insert into trail_node (authority_id, level, place, hash)
    select p_authority, (n->>'level')::bigint, (n->>'place')::bigint, (n->>'hash')::bytea
    from jsonb_array_elements(p_nodes) n;
    delete from trail_unsealed
    where authority_id = p_authority
      and entry_id in (select l->>'entry_id' from jsonb_array_elements(p_leaves) l);
    return true;
end $$
"""

_NOTE = """
create function trail_note(p_authority text, p_size bigint, p_root text, p_note text, p_at timestamptz)
returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into trail_checkpoint (authority_id, size, root, note, created_at)
    values (p_authority, p_size, p_root, p_note, p_at)
    on conflict do nothing;
    return true;
end $$
"""

# Roles are the site's business; when the app role exists it gets exactly what it needs.
_GRANTS = """
do $$
declare t text;
begin
    if exists (select 1 from pg_roles where rolname = 'decisionflow_app') then
        grant usage on schema public to decisionflow_app;
        for t in select tablename from pg_tables where schemaname = 'public' loop
            execute format('grant select on %I to decisionflow_app', t);
            if t not like 'trail\\_%' and t <> 'alembic_version' then
                execute format('grant insert, update, delete on %I to decisionflow_app', t);
            end if;
        end loop;
        grant execute on function trail_append, trail_integrate, trail_note to decisionflow_app;
    end if;
end $$
"""

POSTGRESQL_GUARDS = [
    _REFUSE,
    *(
        statement
        for table in INSERT_ONLY
        for statement in (
            f"create trigger {table}_no_change before update or delete on {table}"
            " for each row execute function trail_refuse()",
            f"create trigger {table}_no_truncate before truncate on {table}"
            " for each statement execute function trail_refuse()",
            f"alter table {table} enable always trigger {table}_no_change",
            f"alter table {table} enable always trigger {table}_no_truncate",
        )
    ),
    _APPEND,
    _INTEGRATE,
    _NOTE,
    "revoke execute on function trail_append, trail_integrate, trail_note from public",
    _GRANTS,
]


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login"),
    )
    op.create_table(
        "act_key",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "person_id", "key"),
    )
    op.create_table(
        "appointment",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("post_id", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("acting", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_index("ix_appointment_person", "appointment", ["person_id", "authority_id"], unique=False)
    op.create_index("ix_appointment_post", "appointment", ["authority_id", "post_id"], unique=False)

    op.create_table(
        "authority",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("calendar", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "blob",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("sm3", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "sha256"),
    )
    op.create_table(
        "calendar_year",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("calendar", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "calendar", "year", "version"),
    )
    op.create_table(
        "case_act",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("track", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("post_id", sa.String(), nullable=False),
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("duty", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "entry_id"),
    )
    op.create_index("ix_case_act_case", "case_act", ["authority_id", "case_id", "seq"], unique=False)
    op.create_index(
        "ix_case_act_person",
        "case_act",
        ["person_id", "recorded_at", "authority_id", "case_id", "entry_id"],
        unique=False,
    )

    op.create_table(
        "case_file",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("stages", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("lead_unit", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
        sa.UniqueConstraint("authority_id", "no"),
    )
    op.create_index("ix_case_file_list", "case_file", ["authority_id", "ended", "no"], unique=False)

    op.create_table(
        "consultation",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("text_digest", sa.String(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opinions", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_index("ix_consultation_case", "consultation", ["authority_id", "case_id"], unique=False)

    op.create_table(
        "contact",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "channel"),
    )
    op.create_table(
        "deadline",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("duty", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("extended", sa.Integer(), nullable=False),
        sa.Column("pauses", sa.String(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("calendar", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "case_id", "clock"),
    )
    op.create_index("ix_deadline_due", "deadline", ["authority_id", "state", "due_on"], unique=False)

    op.create_table(
        "draft",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("seen", sa.String(), nullable=False),
        sa.Column("pairs", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "person_id", "place"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "notice",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("dedup_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("authority_id", "id"),
        sa.UniqueConstraint("authority_id", "dedup_key"),
    )
    op.create_index("ix_notice_person", "notice", ["person_id", "read_at", "created_at"], unique=False)

    op.create_table(
        "opinion",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("consultation_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("stance", sa.String(), nullable=False),
        sa.Column("paragraph", sa.String(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "entry_id"),
        sa.UniqueConstraint("authority_id", "receipt"),
    )
    op.create_index("ix_opinion_consultation", "opinion", ["authority_id", "consultation_id", "seq"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("dedup_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
        sa.UniqueConstraint("authority_id", "dedup_key"),
    )
    op.create_index("ix_outbox_ready", "outbox", ["state", "next_at"], unique=False)

    op.create_table(
        "person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_person_name", "person", ["name"], unique=False)

    op.create_table(
        "post",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("duties", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_index("ix_post_unit", "post", ["authority_id", "unit_id"], unique=False)

    op.create_table(
        "procedure_version",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("in_force_to", sa.Date(), nullable=True),
        sa.Column("canonical", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "digest"),
    )
    op.create_table(
        "reminder",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "case_id", "clock", "round", "rung"),
    )
    op.create_index("ix_reminder_due", "reminder", ["state", "due_at"], unique=False)

    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("appointment_id", sa.String(), nullable=False),
        sa.Column("csrf", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "staged_file",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "person_id", "sha256", "kind"),
    )
    op.create_table(
        "trail_chain",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("chain_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "kind", "chain_id"),
    )
    op.create_table(
        "trail_checkpoint",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "size"),
    )
    op.create_table(
        "trail_entry",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("chain_kind", sa.String(), nullable=False),
        sa.Column("chain_id", sa.String(), nullable=False),
        sa.Column("chain_seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("sm3", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "entry_id"),
        sa.UniqueConstraint("authority_id", "chain_kind", "chain_id", "chain_seq"),
    )
    op.create_table(
        "trail_leaf",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "position"),
        sa.UniqueConstraint("authority_id", "entry_id"),
    )
    op.create_table(
        "trail_node",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "level", "place"),
    )
    op.create_table(
        "trail_unsealed",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "entry_id"),
    )
    op.create_table(
        "unit",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("short", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("succeeds", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "id"),
    )
    op.create_table(
        "vault_field",
        sa.Column("authority_id", sa.String(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", "commitment"),
    )
    op.create_index("ix_vault_field_entry", "vault_field", ["authority_id", "entry_id"], unique=False)

    if op.get_bind().dialect.name == "sqlite":
        for statement in sqlite_guards():
            op.execute(statement)
    else:
        for statement in POSTGRESQL_GUARDS:
            op.execute(sa.text(statement.replace(":", "\\:")))
