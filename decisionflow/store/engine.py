"""The database: one way to read, one way to write, on SQLite and PostgreSQL alike.

`read` gives a connection. `write(fn)` runs `fn(tx)` and commits; `fn` may be run again after a
conflict, returns plain values and keeps nothing of the transaction. PostgreSQL: a transaction of its
own (a single record needs only its one statement). SQLite: one writer, a fair queue, several deeds a
commit with a savepoint each, every deed answered only after COMMIT; direct when nobody waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from decisionflow.errors import Conflict, Unavailable
from decisionflow.store import records, tables
from decisionflow.store.blobs import Blobs
from decisionflow.store.filelock import FileLock

T = TypeVar("T")
ATTEMPTS = 4
GROUP = 64


class Tx:
    """An open write. `add` queues records; `execute` writes infrastructure rows at once."""

    def __init__(self, connection: Connection, blobs: Blobs, *, begin: bool) -> None:
        self.connection = connection
        self.blobs = blobs
        self._begin = begin
        self._records: list[records.Record] = []
        self._rows: list[records.Rows] = []

    def add(self, record: records.Record) -> None:
        """Write this record when the deed is done."""
        self._records.append(record)

    def put(self, rows: records.Rows) -> None:
        """Write rows that belong to no entry (infrastructure) when the deed is done."""
        self._rows.append(rows)

    def ahead(self) -> None:
        """Write what was added so far, for what comes next in the same transaction to read."""
        self.begin()
        self.flush()

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Change infrastructure rows now, inside the transaction."""
        self.begin()
        return self.connection.execute(statement, parameters)

    def begin(self) -> None:
        """Open the transaction if reading has not needed one so far."""
        if self._begin:
            self.connection.exec_driver_sql("BEGIN")
            self._begin = False

    def alone(self, name: str) -> bool:
        """Wait for one's turn, so that a burst queues instead of colliding; True when it had to be asked for.

        What was read before must be read again then. SQLite has one writer anyway. Raises Unavailable.
        """
        if self.connection.dialect.name != "postgresql":
            return False
        try:
            self.execute(text("select pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": name})
        except DBAPIError as fault:
            if getattr(fault.orig, "sqlstate", None) != "55P03":
                raise
            raise Unavailable("too many at once", say="现在提交的人很多，请稍等片刻再按一次") from fault
        return True

    def pending(self) -> dict[tuple[str, tuple[tuple[str, Any], ...]], records.Row]:
        """Rows queued but not yet written, by table and key: what a later entry of the same deed builds on."""
        found: dict[tuple[str, tuple[tuple[str, Any], ...]], records.Row] = {}
        for rows in (*(rows for record in self._records for rows in record.rows), *self._rows):
            keys = [column.name for column in tables.metadata.tables[rows.table].primary_key]
            found |= {(rows.table, tuple(sorted((key, row[key]) for key in keys))): row for row in rows.rows}
        return found

    def flush(self) -> None:
        """Write what was added. A lone record on PostgreSQL is its own transaction."""
        if len(self._records) + len(self._rows) > 1:
            self.begin()
        for record in self._records:
            records.write(self.connection, record)
        for rows in self._rows:
            try:
                records.put(self.connection, rows)
            except IntegrityError as fault:
                raise Conflict(f"another write took the same place: {fault.orig}") from fault
        self._records, self._rows = [], []

    @property
    def begun(self) -> bool:
        """Whether a COMMIT is owed."""
        return not self._begin


class Store(Protocol):
    """What services and doors see of the database."""

    dialect: str
    url: str
    blobs: Blobs

    def read(self) -> Any: ...

    def write(self, fn: Callable[[Tx], T]) -> T: ...

    def close(self) -> None: ...


def connect(url: str, blobs: Blobs, *, pool: int = 20, read_only: bool = False) -> Store:
    """A store for ``sqlite:///path`` or ``postgresql+psycopg://…``. Raises Unavailable with a sentence."""
    try:
        parsed = make_url(url)
    except Exception as fault:
        raise Unavailable("bad database URL", say="数据库地址写法不对，应如 sqlite:///var/decisionflow.db") from fault
    if parsed.get_backend_name() == "sqlite":
        return SQLiteStore(url, blobs, read_only=read_only)
    if parsed.get_backend_name() == "postgresql":
        return PostgreSQLStore(url.replace("postgresql://", "postgresql+psycopg://", 1), blobs, pool=pool)
    raise Unavailable(f"unsupported database {parsed.get_backend_name()}", say="只支持 SQLite 和 PostgreSQL")


class PostgreSQLStore:
    """A pool of autocommit connections; transactions are opened where a write needs one."""

    dialect = "postgresql"

    def __init__(self, url: str, blobs: Blobs, *, pool: int = 20) -> None:
        self.url = url
        self.blobs = blobs
        options = (
            "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s"
        )
        self.engine: Engine = create_engine(
            url, isolation_level="AUTOCOMMIT", poolclass=QueuePool, pool_size=pool, max_overflow=pool, pool_timeout=15,
            pool_pre_ping=False, connect_args={"options": options, "connect_timeout": 10},
        )  # fmt: skip

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection whose statements each see what is committed."""
        with _available(), self.engine.connect() as connection:
            yield connection

    def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` and commit; again, up to four times, when somebody wrote in between."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(fn)
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _once(self, fn: Callable[[Tx], T]) -> T:
        with _available(), self.engine.connect() as connection:
            tx = Tx(connection, self.blobs, begin=True)
            try:
                result = fn(tx)
                tx.flush()
                if tx.begun:
                    connection.exec_driver_sql("COMMIT")
            except BaseException:
                if tx.begun:
                    with suppress(DBAPIError):
                        connection.exec_driver_sql("ROLLBACK")
                raise
            return result

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class SQLiteStore:
    """One file, one process, one writer connection behind a fair queue."""

    dialect = "sqlite"

    def __init__(self, url: str, blobs: Blobs, *, read_only: bool = False) -> None:
        self.url = url
        self.blobs = blobs
        self.path = Path(make_url(url).database or "")
        self._claim = FileLock(self.path.with_name(self.path.name + ".lock"))
        if not read_only and not self._claim.acquire():
            raise Unavailable(
                f"{self.path} is held by another process",
                say=f"数据库 {self.path.name} 正由另一个进程使用；SQLite 只能由一个进程写入，请先停止它，或改用其界面办理",
            )
        self.engine: Engine = _sqlite_engine(url, writer=False)
        self._writer_engine: Engine = _sqlite_engine(url, writer=True)
        self._writer: Connection | None = None
        self._free = threading.Lock()
        self._queue: deque[tuple[Callable[[Tx], Any], Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state until it is given back."""
        with _available(), self.engine.connect() as connection:
            yield connection

    def write(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` and commit: at once when nobody waits, else in the queue's order."""
        with self._wake:
            if self._closed:
                raise Unavailable("store is closed", say="系统正在停止，请稍后再试")
            direct = not self._queue and self._free.acquire(blocking=False)
            if not direct:
                future: Future[Any] = Future()
                self._queue.append((fn, future))
                self._ensure_thread()
                self._wake.notify()
        if not direct:
            result: T = future.result()
            return result
        try:
            job: Future[Any] = Future()
            self._commit([(fn, job)])
        finally:
            self._free.release()
        value: T = job.result()
        return value

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="sqlite-writer", daemon=True)
            self._thread.start()

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closed:
                    self._wake.wait()
                if not self._queue:
                    return
            with self._free:
                with self._wake:
                    jobs = [self._queue.popleft() for _ in range(min(GROUP, len(self._queue)))]
                self._commit(jobs)

    def _commit(self, jobs: list[tuple[Callable[[Tx], Any], Future[Any]]]) -> None:
        """Run the jobs in one transaction, a savepoint each; answer each only after COMMIT."""
        try:
            connection = self._connection()
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            outcomes = [(future, *self._attempt(connection, fn)) for fn, future in jobs]
            connection.exec_driver_sql("COMMIT")
        except BaseException as fault:
            self._abandon()
            for _, future in jobs:
                future.set_exception(fault)
            return
        for future, value, error in outcomes:
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

    def _attempt(self, connection: Connection, fn: Callable[[Tx], Any]) -> tuple[Any, Exception | None]:
        for attempt in range(1, ATTEMPTS + 1):
            connection.exec_driver_sql("SAVEPOINT deed")
            try:
                tx = Tx(connection, self.blobs, begin=False)
                value = fn(tx)
                tx.flush()
            except Exception as fault:
                connection.exec_driver_sql("ROLLBACK TO deed")
                connection.exec_driver_sql("RELEASE deed")
                if isinstance(fault, Conflict) and attempt < ATTEMPTS:
                    continue
                return None, fault
            connection.exec_driver_sql("RELEASE deed")
            return value, None
        raise AssertionError("unreachable")

    def _connection(self) -> Connection:
        if self._writer is None:
            self._writer = self._writer_engine.connect()
        return self._writer

    def _abandon(self) -> None:
        """Throw the writer connection away: after a fault nobody can say what it holds."""
        if self._writer is not None:
            with suppress(Exception):
                self._writer.invalidate()
                self._writer.close()
            self._writer = None

    def close(self) -> None:
        """Finish what is queued, then close."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=30)
        with self._free:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        self.engine.dispose()
        self._writer_engine.dispose()
        self._claim.release()


def _sqlite_engine(url: str, *, writer: bool) -> Engine:
    engine = create_engine(
        url, poolclass=NullPool if writer else QueuePool, connect_args={"check_same_thread": False, "timeout": 10},
        **({} if writer else {"pool_size": 20, "max_overflow": 30}),
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON",
                       f"wal_autocheckpoint={1000 if writer else 0}", f"query_only={'OFF' if writer else 'ON'}"):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    if not writer:
        # One snapshot a read: a deferred transaction that ends when the connection goes back.
        @event.listens_for(engine, "begin")
        def snapshot(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")

    return engine


@contextmanager
def _available() -> Iterator[None]:
    """Say in a sentence that the database is away, instead of a driver's traceback."""
    try:
        yield
    except OperationalError as fault:
        if getattr(fault.orig, "sqlstate", None) in (None, "57P01", "57P03", "08006") and not _is_schema_fault(fault):
            raise Unavailable(f"database unavailable: {fault.orig}", say="数据库暂时连不上，请稍后再试") from fault
        raise


def _is_schema_fault(fault: OperationalError) -> bool:
    return "no such table" in str(fault.orig) or "no such column" in str(fault.orig)


def ping(store: Store) -> None:
    """Ask the database for a 1. Raises Unavailable."""
    with store.read() as connection:
        connection.execute(text("select 1"))
