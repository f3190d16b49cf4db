"""Help from the model, and quality: queues, gold items, jobs, doubted labels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_assist"
down_revision = "0002_templates"


def upgrade() -> None:
    """Makes them; items that are there stay in the order of their positions."""
    op.add_column("items", sa.Column("rank", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("items", sa.Column("twins", sa.Integer(), nullable=True))
    op.execute("UPDATE items SET rank = position")
    op.create_index("items_in_queue", "items", ["task_id", "state", "rank"], unique=False)
    op.create_index("items_alike", "items", ["task_id", "twins"], unique=False)
    op.add_column("acts", sa.Column("offered", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "helps",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("ordering", sa.String(length=12), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("blind", sa.Integer(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("gold_every", sa.Integer(), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["base_id"], ["datasets.id"]),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_table(
        "golds",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"]),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index(op.f("ix_golds_task_id"), "golds", ["task_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("running", sa.String(length=40), nullable=True),
        sa.Column("done", sa.Float(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("beat", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("running"),
    )
    op.create_index("jobs_of_a_task", "jobs", ["task_id", "kind", "id"], unique=False)
    op.create_table(
        "doubts",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("suggested", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"]),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("item_id"),
    )
    op.create_index(op.f("ix_doubts_task_id"), "doubts", ["task_id"], unique=False)
