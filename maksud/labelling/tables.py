"""The tables of the store. `migrations/` makes them; a test holds that the two agree.

Times are seconds since 1970 (UTC). Secrets (links, sessions, scripts' tokens) are kept as SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

metadata = MetaData()


def insert_one(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Inserts a row; returns its number."""
    made = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert made is not None
    number: int = made[0]
    return number


def _owner(table: str, *, index: bool = False, primary: bool = False) -> Column[int]:
    return Column(
        f"{table.removesuffix('s')}_id", Integer, ForeignKey(f"{table}.id"),
        nullable=False, index=index, primary_key=primary,
    )  # fmt: skip


users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("language", String(8), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", Float, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    _owner("users"),
    Column("expires", Float, nullable=False),
    Column("used", Float),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    _owner("users", index=True),
    Column("kind", String(10), nullable=False),  # browser or script
    Column("name", String(100), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("expires", Float),
    Column("created", Float, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("source", Text, nullable=False),  # the kept version, path or file name it was read from
    Column("version", String(80), nullable=False),  # NAME@NUMBER where it is a kept one
    Column("catalog", JSON),
    Column("rows", Integer, nullable=False),
    Column("created", Float, nullable=False),
)

rows = Table(
    "rows",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("datasets"),
    Column("position", Integer, nullable=False),
    Column("data", JSON, nullable=False),
    UniqueConstraint("dataset_id", "position"),
)

templates = Table(
    "templates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("definition", JSON, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("name", "version"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    _owner("datasets"),
    _owner("templates"),
    Column("stages", JSON, nullable=False),
    Column("votes", Integer, nullable=False),
    Column("agree", Integer, nullable=False),
    Column("lease_seconds", Integer, nullable=False),
    Column("catalog", JSON),
    Column("open", Boolean, nullable=False),  # intents that the catalog lacks may be used
    Column("shuffled", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("created", Float, nullable=False),
)

members = Table(
    "members",
    metadata,
    _owner("tasks", primary=True),
    _owner("users", primary=True),
)

terms = Table(  # how a task's work is shared out; without a row: item by item
    "terms",
    metadata,
    _owner("tasks", primary=True),
    Column("deadline", Float),
    Column("sample", Float, nullable=False),  # share of a package that is looked at to accept it
    Column("pack_by", String(8), nullable=False),  # "", size, count, or field
    Column("pack_value", String(100), nullable=False),
    Column("hold_seconds", Integer, nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("tasks"),
    Column("number", Integer, nullable=False),
    Column("name", String(100), nullable=False),
    Column("verdict", String(10), nullable=False),  # "", accepted, or refused
    Column("reason", Text, nullable=False),
    Column("refusals", Integer, nullable=False),
    UniqueConstraint("task_id", "number"),
)

holders = Table(
    "holders",
    metadata,
    _owner("packages", primary=True),
    _owner("users", primary=True),
    Column("expires", Float),  # without: it was assigned until it is taken back
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("tasks", index=True),
    _owner("users"),
    Column("intent", String(200), nullable=False),
    Column("parameter", String(200), nullable=False),  # "": the intent itself is proposed
    Column("definition", JSON, nullable=False),
    Column("verdict", String(10), nullable=False),  # waiting, approved, merged, or refused
    Column("into", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", Float, nullable=False),
)

catalogs = Table(  # versions of a task's catalog, from its first change on
    "catalogs",
    metadata,
    _owner("tasks", primary=True),
    Column("version", Integer, primary_key=True),
    Column("content", JSON, nullable=False),
    Column("why", Text, nullable=False),
    Column("created", Float, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("tasks"),
    _owner("rows"),
    Column("position", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("round", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),  # how many people can take it in hand
    Column("output", Text, nullable=False),
    Column("suggestions", JSON),
    Column("rank", Integer, nullable=False, default=0),  # its place in the queue, the lowest first
    Column("twins", Integer),  # the group of nearly the same utterances, where there are such
    Column("updated", Float, nullable=False),
    UniqueConstraint("task_id", "row_id"),
    UniqueConstraint("task_id", "position"),
    Index("items_by_state", "task_id", "state", "position"),
    Index("items_in_queue", "task_id", "state", "rank"),
    Index("items_alike", "task_id", "twins"),
)

helps = Table(
    "helps",
    metadata,
    _owner("tasks", primary=True),
    Column("ordering", String(12), nullable=False),  # file, random, or uncertain
    Column("seed", Integer, nullable=False),
    Column("blind", Integer, nullable=False),  # per cent of items without a suggestion
    Column("every", Integer, nullable=False),  # new labels after which it learns again; 0: never
    Column("gold_every", Integer, nullable=False),  # one item in so many is a gold one
    Column("base_id", Integer, ForeignKey("datasets.id")),
)

golds = Table(
    "golds",
    metadata,
    _owner("items", primary=True),
    _owner("tasks", index=True),
    _owner("users"),  # who said so
    Column("output", Text, nullable=False),
    Column("created", Float, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("tasks"),
    Column("kind", String(12), nullable=False),  # learn, or doubt
    Column("state", String(12), nullable=False),  # running, done, failed
    Column("running", String(40), unique=True),  # kind and task, as long as it runs: never two
    Column("done", Float, nullable=False),
    Column("told", Text, nullable=False),  # what it does, or why it failed
    Column("labels", Integer, nullable=False),  # agreed labels when it began
    Column("result", JSON),
    Column("created", Float, nullable=False),
    Column("beat", Float, nullable=False),  # when it was last heard of
    Index("jobs_of_a_task", "task_id", "kind", "id"),
)

doubts = Table(
    "doubts",
    metadata,
    _owner("items", primary=True),
    _owner("tasks", index=True),
    Column("place", Integer, nullable=False),  # 0 is the most suspicious
    Column("given", Text, nullable=False),
    Column("suggested", Text, nullable=False),
    Column("why", Text, nullable=False),
)

tallies = Table(  # how many items stand where, kept by triggers: counting a million takes long
    "tallies",
    metadata,
    _owner("tasks", primary=True),
    Column("state", String(12), primary_key=True),
    Column("shard", Integer, primary_key=True),  # of the item: few wait for the same row
    Column("count", Integer, nullable=False),
)

packed = Table(
    "packed",
    metadata,
    _owner("items", primary=True),
    _owner("packages", index=True),
    Column("sampled", Boolean, nullable=False),  # looked at before its package is accepted
)

leases = Table(
    "leases",
    metadata,
    _owner("items", primary=True),
    Column("slot", Integer, primary_key=True),  # 0 … votes - 1: a place in which to hold it
    _owner("tasks"),
    _owner("users"),
    Column("stage", String(12), nullable=False),
    Column("expires", Float, nullable=False),
    UniqueConstraint("task_id", "user_id"),
)

acts = Table(
    "acts",
    metadata,
    Column("id", Integer, primary_key=True),
    _owner("items", index=True),
    _owner("tasks"),
    _owner("users"),
    Column("stage", String(12), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("round", Integer, nullable=False),
    Column("output", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("suggested", String(10), nullable=False),  # "", shown, confirmed, or likewise
    Column("offered", Text, nullable=False, default=""),  # the first suggestion then
    Column("seconds", Float, nullable=False),
    Column("key", String(100), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # of the item, afterwards
    Column("created", Float, nullable=False),
    UniqueConstraint("user_id", "key"),
    Index("acts_of_a_person", "task_id", "user_id", "id"),
)
