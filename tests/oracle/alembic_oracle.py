"""Answers what Alembic would do, for tests/oracle.

One graph a line on standard input, one answer a line on standard output, both
JSON. Alembic's own code decides everything: its map of revisions, the choice of
steps of its commands, and what it writes to the rows of `alembic_version`. Only
the files of a script directory and the database are left out.

    {"revisions": [{"id", "parents", "depends_on", "labels"}],
     "cases": [{"rows", "command", "target"}]}

    {"error"} | {"warnings", "cases": [{"error"} | {"steps", "rows", "warnings"}]}
"""

import json
import signal
import sys
import types
import warnings

from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from alembic.script.revision import Revision, RevisionMap

# Some graphs send Alembic round in circles: so long, in seconds, may one take.
PATIENCE = 5


class Nothing:
    """Whatever a database would be asked for: it answers with itself."""

    as_sql = True

    def __getattr__(self, _name):
        return self

    def __call__(self, *_args, **_kwargs):
        return self

    def __eq__(self, _other):
        return self


class Script(Revision):
    """A revision without a file."""

    doc = ""
    module = types.SimpleNamespace(upgrade=lambda: None, downgrade=lambda: None)


class Scripts(ScriptDirectory):
    """A script directory without a directory."""

    def __init__(self, revisions):
        made = [
            Script(
                revision["id"],
                tuple(revision["parents"]) or None,
                dependencies=tuple(revision["depends_on"]) or None,
                branch_labels=tuple(revision["labels"]) or None,
            )
            for revision in revisions
        ]
        self.revision_map = RevisionMap(lambda: made)
        # Loaded now, so that what is wrong with the graph is said of the graph.
        self.revision_map._revision_map


def steps_of(scripts, case):
    """The steps that a command would run."""
    target, rows = case["target"], tuple(case["rows"])
    if case["command"] == "stamp":
        return scripts._stamp_revs((target,), rows)
    if ":" in target:
        raise ValueError("a range is for --sql only")
    if case["command"] == "upgrade":
        return scripts._upgrade_revs(target, rows)
    return scripts._downgrade_revs(target, rows)


def answer_case(scripts, case):
    steps = steps_of(scripts, case)
    maintainer = HeadMaintainer(Nothing(), case["rows"])
    for step in steps:
        maintainer.update_to_step(step)
    ids = [step.revision.revision for step in steps] if case["command"] != "stamp" else []
    return {"steps": ids, "rows": sorted(maintainer.heads)}


def guarded(work):
    """Every way to fail is a failure: Alembic ends in assertions too."""
    signal.alarm(PATIENCE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = work()
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
        finally:
            signal.alarm(0)
    return {**answer, "warnings": [str(warning.message) for warning in caught]}


def answer(graph):
    scripts = None

    def load():
        nonlocal scripts
        scripts = Scripts(graph["revisions"])
        return {}

    result = guarded(load)
    if "error" not in result:
        result["cases"] = [
            guarded(lambda case=case: answer_case(scripts, case)) for case in graph["cases"]
        ]
    return result


def too_long(_signal, _frame):
    raise TimeoutError(f"no answer within {PATIENCE} s")


def main():
    signal.signal(signal.SIGALRM, too_long)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


main()
