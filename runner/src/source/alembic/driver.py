"""Asks Alembic for the SQL of single revisions; started by `runner import alembic`.

This file is the env.py of a script directory of its own, beside a request.json,
so that Alembic's own program loads it, whichever Python that program runs in.
It then runs the project's real env.py once, offline, and inside of it calls
upgrade() and downgrade() of each revision with an output of their own. No
database is written: offline, Alembic sends nothing.

The answer is written to result.json, in the same folder.
"""

import inspect
import json
import os
import sys
import traceback
from argparse import Namespace
from pathlib import Path

import alembic
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from sqlalchemy import text

HERE = Path(__file__).resolve().parent


class NeedsDatabase(Exception):
    """The revision does what cannot be done without a database."""


class Rows:
    """What a statement gives back offline: nothing that may be asked."""

    def _asked(self, *_args, **_kwargs):
        raise NeedsDatabase("it reads what the database answers to a statement")

    __getattr__ = __iter__ = __next__ = __bool__ = __len__ = __getitem__ = __contains__ = _asked
    __eq__ = __ne__ = __lt__ = __gt__ = __int__ = __str__ = __repr__ = __enter__ = __await__ = _asked
    __hash__ = None


class Chunks:
    """An output that keeps each statement apart."""

    def __init__(self):
        self.chunks = []

    def write(self, chunk):
        if chunk.strip():
            self.chunks.append(chunk.strip())

    def flush(self):
        pass


class Step:
    """One step for Alembic's loop, in which all revisions have their turn."""

    name = short_log = "runner import"
    doc = info = None
    is_upgrade, is_downgrade = True, False

    def __str__(self):
        return self.name

    def __init__(self, migration_fn):
        self.migration_fn = migration_fn


def main():
    request = json.loads((HERE / "request.json").read_text("utf-8"))
    answer = {"alembic": alembic.__version__, "revisions": {}, "around": [], "error": None}
    outside = Chunks()
    try:
        os.chdir(request["cwd"])
        config = configuration(request, outside)
        script = ScriptDirectory.from_config(config)
        run(config, script, request, answer)
        answer["around"] = own_statements(outside.chunks, answer.get("version_table"))
        if "dialect" not in answer and answer["error"] is None:
            answer["error"] = {"text": "env.py runs no migrations offline", "line": None}
    except BaseException as error:
        env = Path(getattr(locals().get("script"), "dir", "")) / "env.py"
        answer["error"] = told(error, str(env))
    (HERE / "result.json").write_text(json.dumps(answer), "utf-8")


def configuration(request, outside):
    options = {
        "file_": request["ini"],
        "ini_section": request["section"],
        "output_buffer": outside,
        "cmd_opts": Namespace(
            x=None, name=request["section"], config=None, raiseerr=True, quiet=False, verbose=False, sql=True, tag=None
        ),
    }
    if "toml_file" in inspect.signature(Config.__init__).parameters:
        options["toml_file"] = request["toml"]
    config = Config(**options)
    if request["ini"] is None and request["toml"] is None:
        config.set_main_option("script_location", request["script_dir"].replace("%", "%%"))
    return config


def run(config, script, request, answer):
    # The one step of ours is no revision, so there are no heads to keep.
    HeadMaintainer.update_to_step = lambda _self, _step: None
    wanted = [script.get_revision(revision) for revision in request["revisions"]]

    def steps(_heads, context):
        prepare(context, answer)
        if answer["error"] is not None:
            return []
        return [Step(lambda **arguments: [take(context, script, arguments, answer) for script in wanted])]

    with EnvironmentContext(config, script, fn=steps, as_sql=True, starting_rev=None, destination_rev="heads", tag=None):
        script.run_env()


def prepare(context, answer):
    dialect = context.dialect
    answer["dialect"] = dialect.name
    answer["version_table"] = context.version_table
    answer["version_table_schema"] = context.version_table_schema
    if dialect.name != "postgresql":
        said = f"env.py sets the project up for {dialect.name}, and runner is for PostgreSQL"
        answer["error"] = {"text": said, "line": None}
    if getattr(dialect, "paramstyle", None) in ("format", "pyformat"):
        # Otherwise `%` is doubled for a driver that is not there.
        dialect.paramstyle, dialect.positional = "named", False
        dialect.identifier_preparer._double_percents = False
    context.on_version_apply_callbacks = ()
    context.impl._exec = lambda *args, **kwargs: execute(context.impl, *args, **kwargs)
    if context.connection is not None:
        context.connection.execute = lambda *args, **kwargs: through_connection(context.impl, *args, **kwargs)


def execute(impl, construct, execution_options=None, multiparams=None, params=None):
    """As Alembic does offline, but for tab characters, which it makes spaces."""
    if multiparams or params:
        raise NeedsDatabase("it passes parameters beside a statement")
    if isinstance(construct, str):
        construct = text(construct)
    literal = {"compile_kwargs": {"literal_binds": True}} if not getattr(construct, "is_ddl", False) else {}
    try:
        compiled = construct.compile(dialect=impl.dialect, **literal)
    except Exception as error:
        raise NeedsDatabase(f"it holds a value that cannot be written into SQL ({error})") from error
    impl.static_output(str(compiled).strip() + impl.command_terminator)


def through_connection(impl, construct, *multiparams, **params):
    if any(multiparams) or params:
        raise NeedsDatabase("it passes parameters beside a statement")
    execute(impl, construct)
    return Rows()


def take(context, script, arguments, answer):
    if script.revision in answer["revisions"]:
        answer["revisions"][script.revision] = {
            way: {"error": {"text": "env.py runs the migrations more than once", "line": None}}
            for way in ("upgrade", "downgrade")
        }
        return
    answer["revisions"][script.revision] = {
        "down_revision": plain(script.module.down_revision),
        "branch_labels": plain(getattr(script.module, "branch_labels", None)),
        "depends_on": plain(getattr(script.module, "depends_on", None)),
        "upgrade": capture(context, script, "upgrade", arguments),
        "downgrade": capture(context, script, "downgrade", arguments),
    }


def plain(value):
    """None, a text or texts, as a sorted list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else sorted(value)


def capture(context, script, way, arguments):
    function = getattr(script.module, way, None)
    if function is None:
        return {"error": {"text": f"there is no {way}()", "line": None}}
    output = Chunks()
    kept, context.impl.output_buffer = context.impl.output_buffer, output
    try:
        function(**arguments)
    except Exception as error:
        return {"error": told(error, script.path)}
    finally:
        context.impl.output_buffer = kept
    return {"statements": output.chunks}


def told(error, path):
    """An error in one line, and the last line of the file that it passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == Path(path)]
    first = (str(error).strip().splitlines() or [""])[0]
    name = type(error).__name__
    said = first if isinstance(error, NeedsDatabase) else f"{name}: {first}" if first else name
    return {"text": said, "line": frames[-1].lineno if frames else None}


def own_statements(chunks, version_table):
    """What env.py itself sends: not Alembic's own."""
    own = []
    for chunk in chunks:
        if chunk.rstrip(";").strip().upper() in ("BEGIN", "COMMIT") or chunk.startswith("-- Running "):
            continue
        if version_table is not None and version_table in chunk:
            continue
        own.append(chunk)
    return own


main()
sys.stdout.flush()
sys.stderr.flush()
# Alembic's own command would go on with an environment that is gone.
os._exit(0)
