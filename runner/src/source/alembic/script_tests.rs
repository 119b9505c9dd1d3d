//! Revision files as people write them, and as nobody should.

use super::super::file::decode;
use super::super::remark::RemarkKind;
use super::*;

fn header(more: &str) -> String {
    format!("revision = 'a1'\ndown_revision = None\n{more}")
}

#[track_caller]
fn good(text: &str) -> Script {
    read(text, "file").unwrap_or_else(|unread| panic!("{unread:?}\n{text}"))
}

/// What cannot be read, as `line: what`.
#[track_caller]
fn bad(text: &str) -> String {
    let unread = read(text, "file").expect_err("cannot be read");
    unread.iter().map(|unread| format!("{}: {}", unread.line, unread.what)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_file_of_alembics_own_template_is_read() {
    let script = good(
        r#""""add e-mail

Revision ID: ae1027a6acf
Revises: 1975ea83b712, b2
Create Date: 2024-01-02 10:11:12.123456

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = 'ae1027a6acf'
down_revision: Union[str, Sequence[str], None] = ('1975ea83b712', 'b2')
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = 'other'


def upgrade() -> None:
    """Upgrade schema."""
    # a comment
    pass


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table("t")
"#,
    );
    assert_eq!(script.revision, "ae1027a6acf");
    assert_eq!(script.down_revision, ["1975ea83b712", "b2"]);
    assert_eq!(script.branch_labels, Vec::<String>::new());
    assert_eq!(script.depends_on, ["other"]);
    assert_eq!(script.message, "add e-mail");
    let created = script.created.expect("a date");
    assert_eq!((created.at.to_string().as_str(), created.is_utc), ("2024-01-02T10:11:12.123456", false));
    assert_eq!((script.upgrade, script.downgrade), (Body::Nothing, Body::Code));
}

#[test]
fn texts_are_read_however_they_are_spelled() {
    for (expression, expected) in [
        ("'a1'", "a1"),
        ("\"a1\"", "a1"),
        ("'''a1'''", "a1"),
        ("u'a1'", "a1"),
        ("r'a\\1'", "a\\1"),
        ("('a1')", "a1"),
        ("(('a' '1'))", "a1"),
        ("(\n    'a'\n    # why\n    \"1\"\n)", "a1"),
        ("'a' + '1' + ''", "a1"),
        ("('a' + ('1'))", "a1"),
        ("'\\x61\\u0031\\U00000062\\61\\t\\q\\\n1'", "a1b1\t\\q1"),
        ("'é€'", "é€"),
        ("other = 'a1'", "a1"),
    ] {
        let script = good(&format!("revision = {expression}\ndown_revision = None\n"));
        assert_eq!(script.revision, expected, "{expression}");
    }
}

#[test]
fn lists_are_read_however_they_are_spelled() {
    let none: [&str; 0] = [];
    for (expression, expected) in [
        ("None", &none[..]),
        ("(None)", &none[..]),
        ("()", &none[..]),
        ("''", &none[..]),
        ("'b'", &["b"][..]),
        ("('b')", &["b"][..]),
        ("('b',)", &["b"][..]),
        ("'c', 'b'", &["c", "b"][..]),
        ("('c', 'b')", &["c", "b"][..]),
        ("['c', 'b' 'd']", &["c", "bd"][..]),
        ("{'c', 'b', 'c'}", &["b", "c"][..]),
    ] {
        let script = good(&format!("revision = 'a1'\ndown_revision = {expression}\n"));
        assert_eq!(script.down_revision, expected, "{expression}");
    }
}

#[test]
fn what_is_no_literal_is_not_guessed() {
    for expression in [
        "f'a{1}'",
        "f'a1'",
        "b'a1'",
        "NAME",
        "make()",
        "'a' % 1",
        "'a' * 2",
        "'%s' % 'a'",
        "'a' if True else 'b'",
        "['a'][0]",
        "'\\N{DIGIT ONE}'",
        "'\\ud800'",
        "(*PARENTS,)",
        "('a', None)",
        "['a', x]",
        "7",
        "...",
        "{'a': 'b'}",
        "[x for x in y]",
        "'a'.lower()",
    ] {
        let said = bad(&format!("revision = 'a1'\n\ndown_revision = {expression}\n"));
        assert_eq!(said, "3: `down_revision` is not a literal", "{expression}");
    }
}

#[test]
fn what_may_bind_a_name_makes_it_unknown() {
    for more in [
        "if DEBUG:\n    down_revision = 'b'",
        "try:\n    from x import down_revision\nexcept ImportError:\n    pass",
        "for down_revision in ['b']:\n    pass",
        "down_revision += 'b'",
        "down_revision, x = 'b', 'c'",
        "[down_revision] = ['b']",
        "del down_revision",
        "from x import down_revision",
        "from x import y as down_revision",
        "import down_revision",
        "from x import *",
        "def down_revision():\n    pass",
        "class down_revision:\n    pass",
        "def f():\n    global down_revision\n    down_revision = 'b'",
        "print(down_revision := 'b')",
        "with open('x') as down_revision:\n    pass",
        "match x:\n    case down_revision:\n        pass",
    ] {
        let said = bad(&header(more));
        assert!(said.contains("`down_revision`"), "{more}: {said}");
    }
}

#[test]
fn what_binds_another_name_does_not_matter() {
    for more in [
        "def f():\n    down_revision = 'b'",
        "class Table:\n    revision = 'b'\n    def f(self):\n        self.down_revision = 1",
        "x.down_revision = 'b'",
        "f(down_revision='b')",
        "if __name__ == '__main__':\n    print(revision)",
        "down_revision: str",
        "from x import *\nrevision = 'a1'\ndown_revision = None\nbranch_labels = None\ndepends_on = None",
        "down_revision = 'b'\ndown_revision = None",
    ] {
        let script = good(&header(more));
        assert_eq!((script.revision.as_str(), script.down_revision.len()), ("a1", 0), "{more}");
    }
}

#[test]
fn attributes_that_are_missing_are_named() {
    assert_eq!(bad(""), "0: there is no `revision`\n0: there is no `down_revision`");
    assert_eq!(bad("revision = None\ndown_revision = None\n"), "0: `revision` is not a text");
    let legacy = read("down_revision = None\n", "1975ea83b712").expect("the id is the file's name");
    assert_eq!(legacy.revision, "1975ea83b712");
}

#[test]
fn syntax_errors_are_named_with_their_line() {
    assert_eq!(bad("revision = 'a1'\ndown_revision = (\n"), "2: there is a syntax error");
    assert_eq!(bad("revision = 'a1\ndown_revision = None\n"), "1: there is a syntax error");
    assert!(bad("%PDF-1.7\n\u{1}\u{2}").contains("syntax error"));
    // Within a function it says nothing of the attributes.
    let script = good(&header("def upgrade():\n    x = = 1\n\ndef downgrade():\n    pass\n"));
    assert_eq!((script.upgrade, script.downgrade), (Body::Code, Body::Nothing));
}

#[test]
fn line_endings_marks_and_tabs_make_no_difference() {
    let text = "\u{feff}\"\"\"one\r\n\r\nCreate Date: 2024-01-02T10:11:12+02:00\r\n\"\"\"\r\nrevision = 'a1'\r\n\
                down_revision = None\r\ndef upgrade():\r\n\tpass\r\n\r\ndef downgrade():\r\n\traise NotImplementedError\r\n";
    let script = good(decode(text.as_bytes()).expect("UTF-8"));
    assert_eq!(script.message, "one");
    let created = script.created.expect("a date");
    assert_eq!((created.at.to_string().as_str(), created.is_utc), ("2024-01-02T08:11:12", true));
    assert_eq!((script.upgrade, script.downgrade), (Body::Nothing, Body::Raises));
    assert_eq!(good(&header("")).message, "empty message");
    assert_eq!(good(&format!("'''\n  two  \n  lines\n'''\n{}", header(""))).message, "two");
}

#[test]
fn what_is_no_text_is_named_with_its_line() {
    let line = |bytes: &[u8]| decode(bytes).expect_err("no text")[0].line;
    assert_eq!(line(b"revision = 'a'\n\0"), 2);
    assert_eq!(line(b"# -*- coding: latin-1 -*-\n# caf\xe9\n"), 2);
    assert_eq!(line(b"\xff\xfea\0b\0"), 1);
}

#[test]
fn hostile_files_end_in_an_answer() {
    let deep = |open: &str, close: &str, count: usize| {
        format!("revision = 'a1'\ndown_revision = {}'b'{}\n", open.repeat(count), close.repeat(count))
    };
    for text in [
        deep("(", ")", 100_000),
        deep("[", "]", 100_000),
        deep("f(", ")", 50_000),
        deep("'a' + ", "", 100_000),
        deep("-", "", 100_000),
        deep("lambda: ", "", 50_000),
        format!("revision = 'a1'\ndown_revision = {}\n", "(".repeat(200_000)),
        format!("{}revision = 'a1'\n", (0..2_000).map(|at| " ".repeat(at) + "if x:\n").collect::<String>()),
        "x = 1\n".repeat(200_000),
        "'".repeat(200_001),
        "def ".repeat(100_000),
        "\u{0}\u{1}\u{2}".repeat(50_000),
    ] {
        let _ = read(&text, "file").map(|script| assert_ne!(script.down_revision, ["b"]));
    }
    // As much as anybody writes by hand is read.
    assert_eq!(good(&deep("(", ")", 20)).down_revision, ["b"]);
    assert_eq!(good(&header(&"x = 1\n".repeat(50_000))).revision, "a1");
}

#[test]
fn what_functions_do_is_remarked_with_its_line() {
    let script = good(&header(
        "def upgrade():\n    bind = op.get_bind()\n    with op.get_context().autocommit_block():\n        pass\n    \
         if context.is_offline_mode() or op.get_context().as_sql:\n        return\n    x = datetime.now()\n    \
         y = sa.func.now()\n    z = os.environ['Z']\n",
    ));
    let remarks: Vec<_> = script.remarks.iter().map(|remark| (remark.line, remark.kind)).collect();
    assert_eq!(
        remarks,
        [
            (4, RemarkKind::Connection),
            (5, RemarkKind::Autocommit),
            (7, RemarkKind::Offline),
            (9, RemarkKind::Computed),
            (11, RemarkKind::Computed),
        ]
    );
    assert_eq!((script.upgrade, script.downgrade), (Body::Code, Body::Missing));
}
