"""Splits names and lower-cases e-mails by hand: psycopg's COPY into a temporary
table, and one UPDATE from it."""

from alembic import op

revision = "change"
down_revision = None

STAGE = """
    CREATE TEMPORARY TABLE changed (
        id bigint NOT NULL, first_name text, last_name text, email text NOT NULL
    ) ON COMMIT DROP"""

APPLY = """
    UPDATE public.users
    SET first_name = changed.first_name, last_name = changed.last_name, email = changed.email
    FROM changed
    WHERE changed.id = users.id"""


def upgrade():
    driver = op.get_bind().connection.driver_connection
    with driver.cursor() as cursor, driver.cursor(name="users_to_change") as users:
        cursor.execute(STAGE)
        users.execute("SELECT id, full_name, email FROM public.users")
        # One connection cannot read and COPY at the same time.
        while batch := users.fetchmany(5000):
            with cursor.copy("COPY changed FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["int8", "text", "text", "text"])
                for id, full_name, email in batch:
                    first_name, space, last_name = full_name.partition(" ")
                    copy.write_row((id, first_name, last_name if space else None, email.lower()))
        cursor.execute("ANALYZE changed")
        cursor.execute(APPLY)
