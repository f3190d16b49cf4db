"""Work shared out in packages, with terms; proposals to a catalog, and its versions; how many items
stand where, kept by triggers of the database, so that nothing that moves an item can forget it.

A later step that makes the table of items anew has to make the triggers anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_templates"
down_revision = "0001"


SHARDS = 16
_MORE = (
    "INSERT INTO tallies (task_id, state, shard, count) "
    f"VALUES (NEW.task_id, NEW.state, NEW.id % {SHARDS}, 1) "
    "ON CONFLICT (task_id, state, shard) DO UPDATE SET count = tallies.count + 1;"
)
_FEWER = (
    "UPDATE tallies SET count = count - 1 WHERE task_id = OLD.task_id AND state = OLD.state "
    f"AND shard = OLD.id % {SHARDS};"
)
SQLITE = (
    f"CREATE TRIGGER items_come AFTER INSERT ON items BEGIN {_MORE} END",
    "CREATE TRIGGER items_move AFTER UPDATE OF state ON items WHEN OLD.state <> NEW.state "
    f"BEGIN {_FEWER} {_MORE} END",
    f"CREATE TRIGGER items_go AFTER DELETE ON items BEGIN {_FEWER} END",
)
# The two rows of a move are taken in one order, whichever way it goes: nobody waits in a circle.
POSTGRESQL = (
    "CREATE FUNCTION tally_items() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"IF TG_OP = 'INSERT' THEN {_MORE} "
    f"ELSIF TG_OP = 'DELETE' THEN {_FEWER} "
    f"ELSIF OLD.state < NEW.state THEN {_FEWER} {_MORE} "
    f"ELSIF OLD.state > NEW.state THEN {_MORE} {_FEWER} "
    "END IF; RETURN NULL; END $$",
    "CREATE TRIGGER items_tallied AFTER INSERT OR DELETE OR UPDATE OF state ON items "
    "FOR EACH ROW EXECUTE FUNCTION tally_items()",
)


def upgrade() -> None:
    """Makes them."""
    op.create_table(
        "terms",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.Float(), nullable=True),
        sa.Column("sample", sa.Float(), nullable=False),
        sa.Column("pack_by", sa.String(length=8), nullable=False),
        sa.Column("pack_value", sa.String(length=100), nullable=False),
        sa.Column("hold_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_table(
        "packages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task_id", "number"),
    )
    op.create_table(
        "holders",
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("package_id", "user_id"),
    )
    op.create_table(
        "packed",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("sampled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"]),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"]),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index(op.f("ix_packed_package_id"), "packed", ["package_id"], unique=False)
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("intent", sa.String(length=200), nullable=False),
        sa.Column("parameter", sa.String(length=200), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("into", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_proposals_task_id"), "proposals", ["task_id"], unique=False)
    op.create_table(
        "catalogs",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("task_id", "version"),
    )
    op.create_table(
        "tallies",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("task_id", "state", "shard"),
    )
    op.execute(
        "INSERT INTO tallies (task_id, state, shard, count) "
        f"SELECT task_id, state, id % {SHARDS}, count(*) FROM items "
        f"GROUP BY task_id, state, id % {SHARDS}"
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRESQL if postgresql else SQLITE:
        op.execute(statement)
