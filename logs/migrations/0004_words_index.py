"""PostgreSQL finds words in archived lines by an index of trigrams; SQLite reads the lines."""

from django.db import DatabaseError, migrations, transaction

INDEX = "CREATE INDEX line_words ON logs_logline USING gin (UPPER(message) gin_trgm_ops)"


def make(apps, schema_editor):
    """Where the extension may not be made by this user, search works without the index."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(INDEX)
    except DatabaseError as error:
        print(f"\n  Search in archived lines has no index: {error}".rstrip())


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("DROP INDEX IF EXISTS line_words")


class Migration(migrations.Migration):
    dependencies = [("logs", "0003_archive_search")]
    operations = [migrations.RunPython(make, drop)]
