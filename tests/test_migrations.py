"""Migrations run while processes of the release before still live: what those write, the new tables take."""

from collections.abc import Iterator

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState

OURS = ("realtime", "orders", "logs")
HARMLESS = (
    migrations.CreateModel,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.RemoveConstraint,
    migrations.RunPython,
)
REVIEWED: dict[tuple[str, str], str] = {}
"""(app, migration): why an operation that is refused here does no harm, such as the removal of what nobody reads."""


def ours() -> Iterator[tuple[Migration, ProjectState]]:
    """Each of our migrations, with the state of the models before it."""
    loader = MigrationLoader(None)
    for app, name in loader.graph.leaf_nodes():
        if app in OURS:
            for at in loader.graph.forwards_plan((app, name)):
                if at[0] == app:
                    yield loader.graph.nodes[at], loader.project_state(at, at_end=False)


def harm(migration: Migration, state: ProjectState) -> list[str]:
    """What of a migration an old process would stumble over."""
    found = []
    made = set()
    for operation in migration.operations:
        if isinstance(operation, migrations.CreateModel):
            made.add(operation.name_lower)
        model = str(getattr(operation, "model_name", getattr(operation, "name", ""))).lower()
        problem = None if model in made else problem_of(operation, state, migration.app_label)
        if problem:
            found.append(f"{migration.app_label} {migration.name}: {operation.describe()}: {problem}")
        operation.state_forwards(migration.app_label, state)
    return found


def problem_of(operation: object, state: ProjectState, app: str) -> str | None:
    if isinstance(operation, HARMLESS):
        return None
    if isinstance(operation, migrations.AddField):
        return (
            None if takes_rows_without(operation.field) else "old processes write rows without it: give it db_default"
        )
    if isinstance(operation, migrations.AlterField):
        before = state.models[app, operation.model_name_lower].fields[operation.name]
        return change_of(before, operation.field)
    return "old processes still use what it takes away; a later release may do it, once nobody does (REVIEWED)"


def takes_rows_without(field: models.Field) -> bool:
    return field.many_to_many or field.null or field.has_db_default()


def change_of(before: models.Field, after: models.Field) -> str | None:
    if type(before) is not type(after):
        return "another type of column"
    if before.null and not after.null:
        return "old processes still write NULL"
    if (before.max_length or 0) > (after.max_length or before.max_length or 0):
        return "old processes still write longer values"
    if after.unique and not before.unique:
        return "old processes do not know that values must differ"
    return None


@pytest.mark.parametrize(
    ("migration", "state"), [pytest.param(*found, id=f"{found[0].app_label}-{found[0].name}") for found in ours()]
)
def test_old_processes_go_on_while_it_runs(migration, state):
    if (migration.app_label, migration.name) not in REVIEWED:
        assert harm(migration, state) == []


BEFORE = {"name": models.CharField(max_length=20), "note": models.TextField(null=True)}


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (migrations.AddField("thing", "size", models.IntegerField(default=0)), "db_default"),
        (migrations.RemoveField("thing", "note"), "takes away"),
        (migrations.RenameField("thing", "note", "text"), "takes away"),
        (migrations.DeleteModel("thing"), "takes away"),
        (migrations.RenameModel("thing", "item"), "takes away"),
        (migrations.AlterField("thing", "note", models.TextField(default="")), "NULL"),
        (migrations.AlterField("thing", "name", models.CharField(max_length=10)), "longer"),
        (migrations.AlterField("thing", "name", models.TextField()), "another type"),
        (migrations.AlterField("thing", "name", models.CharField(max_length=20, unique=True)), "differ"),
        (migrations.RunSQL("DROP TABLE thing"), "takes away"),
    ],
)
def test_what_would_harm_them_is_told(operation, says):
    state = ProjectState()
    migrations.CreateModel("thing", [("id", models.AutoField(primary_key=True)), *BEFORE.items()]).state_forwards(
        "shop", state
    )
    migration = Migration("0002_harm", "shop")
    migration.operations = [operation]

    (found,) = harm(migration, state)

    assert says in found


def test_a_column_with_a_default_of_the_database_harms_nobody():
    state = ProjectState()
    migrations.CreateModel("thing", [("id", models.AutoField(primary_key=True))]).state_forwards("shop", state)
    migration = Migration("0002_fine", "shop")
    migration.operations = [
        migrations.AddField("thing", "size", models.IntegerField(db_default=0)),
        migrations.AddField("thing", "note", models.TextField(null=True)),
    ]

    assert harm(migration, state) == []
