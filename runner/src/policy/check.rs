//! What a step may send: each text is parsed, walked, written anew from the tree
//! that was walked, and compared with it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pg_query::protobuf::ParseResult;
use pg_query::{DeparseOptions, FingerprintOptions, ParserOptions};

use super::error::{PolicyError, Refusal};
use super::facts::ServerFacts;
use super::gate::{self, MAX_STATEMENT, Piece};
use super::need::{Grants, Name, Need, Right, smallest};
use super::own::{Change, Kind, OwnObjects};
use super::place::{characters, place_of};
use super::walk::{Stop, Walker};
use super::{alone, kind, same, split};
use crate::revision::{Capabilities, TransactionMode};

/// The most statements that are remembered, and the longest.
const MAX_REMEMBERED: usize = 64;
const MAX_REMEMBERED_TEXT: usize = 16 * 1024;

/// What the policy has to know of the project and of the run.
#[derive(Clone, Debug)]
pub struct Context {
    /// The schema in which a name without one is read as being: the first of the
    /// search path.
    pub default_schema: String,
    /// The schemas that are the runner's own.
    pub ledger_schemas: Vec<String>,
    /// Whether code may be created that nobody has checked: only where the
    /// migration has a login of its own.
    pub allows_unchecked_code: bool,
    /// The longest time-out that may be set, in milliseconds.
    pub max_timeout_ms: u64,
}

/// The policy of one step.
#[derive(Debug)]
pub struct Policy {
    mode: Mode,
    transactions: TransactionMode,
    own: OwnObjects,
    needs: Vec<Need>,
    remembered: HashMap<String, Arc<Vec<Checked>>>,
}

/// Texts that were found to be right while nothing had been sent.
#[derive(Clone, Debug, Default)]
pub struct Remembered(HashMap<String, Arc<Vec<Checked>>>);

#[derive(Debug)]
enum Mode {
    Unrestricted,
    Walked(Box<Rules>),
}

/// What a walk is held against.
#[derive(Debug)]
struct Rules {
    /// `None` while recording.
    grants: Option<Grants>,
    facts: Arc<ServerFacts>,
    context: Context,
}

/// What the host does with a table at a guest's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableUse {
    /// Rows are inserted, updated or deleted.
    Write,
    /// It is locked against others.
    Lock,
    /// All rows are taken out.
    Truncate,
    /// Its triggers are disabled for a while.
    Define,
    /// Its columns and keys are looked up: any right on it will do.
    Describe,
}

/// A statement that may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    text: String,
    source: String,
    offset: usize,
    tags: &'static [&'static str],
    changes: Vec<Change>,
    needs: Vec<Need>,
}

impl Checked {
    /// What is sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the statement begins in the author's text, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The statement as the author wrote it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The command tags with which the server may answer, without numbers of
    /// rows. Empty where they are not known.
    pub fn tags(&self) -> &'static [&'static str] {
        self.tags
    }

    /// Where in the statement as the author wrote it a place of the sent text
    /// is, both in characters from 1. `None` where that is not sure.
    pub fn place_of(&self, position_in_sent_text: u32) -> Option<u32> {
        match self.text == self.source {
            true => Some(position_in_sent_text),
            false => place_of(&self.text, &self.source, position_in_sent_text),
        }
    }
}

impl Policy {
    /// Refuses only what would break the runner's transaction; sends what was
    /// written.
    pub fn unrestricted() -> Self {
        Self::new(Mode::Unrestricted)
    }

    /// Refuses everything that the manifest does not grant.
    pub fn enforcing(
        grants: &Capabilities,
        facts: Arc<ServerFacts>,
        context: Context,
    ) -> Result<Self, PolicyError> {
        let grants = Some(Grants::new(grants)?);
        Ok(Self::new(Mode::Walked(Box::new(Rules { grants, facts, context }))))
    }

    /// Refuses everything.
    pub fn refusing() -> Self {
        let context = Context {
            default_schema: String::new(),
            ledger_schemas: Vec::new(),
            allows_unchecked_code: false,
            max_timeout_ms: 0,
        };
        let grants = Some(Grants::default());
        Self::new(Mode::Walked(Box::new(Rules { grants, facts: ServerFacts::built_in(), context })))
    }

    /// Allows whatever some manifest could grant, and notes what it would have
    /// to.
    pub fn recording(facts: Arc<ServerFacts>, context: Context) -> Self {
        Self::new(Mode::Walked(Box::new(Rules { grants: None, facts, context })))
    }

    fn new(mode: Mode) -> Self {
        Self {
            mode,
            transactions: TransactionMode::Revision,
            own: OwnObjects::default(),
            needs: Vec::new(),
            remembered: HashMap::new(),
        }
    }

    /// For a step that is wrapped in transactions in this way.
    pub fn wrapped(self, transactions: TransactionMode) -> Self {
        Self { transactions, ..self }
    }

    /// The texts that were found to be right, for another policy with the same
    /// rules.
    pub fn remembered(&self) -> Remembered {
        Remembered(self.remembered.clone())
    }

    /// With what a policy with the same rules has found to be right before the
    /// first statement was sent: it need not be parsed again.
    pub fn remembering(self, remembered: &Remembered) -> Self {
        Self { remembered: remembered.0.clone(), ..self }
    }

    /// Whether nothing is held against a manifest.
    pub fn is_unrestricted(&self) -> bool {
        matches!(self.mode, Mode::Unrestricted)
    }

    /// Checks a text of any number of statements. Empty ones are left out.
    pub fn statements(&mut self, text: &str) -> Result<Vec<Checked>, PolicyError> {
        if let Some(known) = self.remembered.get(text) {
            return Ok(known.as_ref().clone());
        }
        let found = self.check(text)?;
        if text.len() <= MAX_REMEMBERED_TEXT {
            if self.remembered.len() >= MAX_REMEMBERED {
                self.remembered.clear();
            }
            self.remembered.insert(text.to_owned(), Arc::new(found.clone()));
        }
        Ok(found)
    }

    /// Checks a text that must hold exactly one statement.
    pub fn statement(&mut self, text: &str) -> Result<Checked, PolicyError> {
        let mut found = self.statements(text)?;
        match (found.pop(), found.len()) {
            (Some(one), 0) => Ok(one),
            (last, others) => Err(PolicyError::NotOne { found: others + usize::from(last.is_some()) }),
        }
    }

    /// Whether rows may be written to a table by COPY FROM STDIN. The table's
    /// name with its schema; `schema` is what the guest said, if anything.
    pub fn writer(&mut self, schema: Option<&str>, table: &str) -> Result<Name, PolicyError> {
        self.table("COPY", schema, table, &[TableUse::Write])
    }

    /// The same for what else the host does with a table at a guest's request.
    /// `what` is the command that a guest would write for it.
    pub fn table(
        &mut self,
        what: &'static str,
        schema: Option<&str>,
        table: &str,
        uses: &[TableUse],
    ) -> Result<Name, PolicyError> {
        let Mode::Walked(rules) = &self.mode else {
            return Ok(Name::new(schema.unwrap_or_default(), table));
        };
        let name = Name::new(schema.unwrap_or(&rules.context.default_schema), table);
        let mut walker = rules.walker(self.transactions, &self.own);
        let result = uses.iter().try_for_each(|usage| walker.used(*usage, &name));
        let needs = walker.needs;
        result.map_err(|stop| refused(what, *stop, "", 0))?;
        self.note(needs);
        Ok(name)
    }

    /// Takes note that a statement has succeeded: what it made is now the step's
    /// own.
    pub fn succeeded(&mut self, checked: &Checked) {
        self.note(checked.needs.clone());
        if checked.changes.is_empty() {
            return;
        }
        self.remembered.clear();
        checked.changes.iter().for_each(|change| self.own.apply(change));
    }

    /// What is the step's own now, for [`Self::rolled_back`].
    pub fn own_objects(&self) -> OwnObjects {
        self.own.clone()
    }

    /// Takes note that the work since then was rolled back to a savepoint.
    pub fn rolled_back(&mut self, own: OwnObjects) {
        self.remembered.clear();
        self.own = own;
    }

    /// The smallest grants that allow what has succeeded so far.
    pub fn used(&self) -> Capabilities {
        smallest(self.needs.iter())
    }

    fn note(&mut self, needs: Vec<Need>) {
        for need in needs {
            if !self.needs.contains(&need) {
                self.needs.push(need);
            }
        }
    }

    fn check(&self, text: &str) -> Result<Vec<Checked>, PolicyError> {
        gate::check_comments(text)?;
        let Mode::Walked(rules) = &self.mode else {
            let found = split::statements_of(text, self.transactions)?;
            return Ok(found.into_iter().map(as_written).collect());
        };
        check_length(text)?;
        let mut found = Vec::new();
        // A statement of a script is sent only after those before it have
        // succeeded: what they make is there, and the step's own.
        let mut own = self.own.clone();
        for piece in gate::pieces(text)? {
            let one = || rules.check_piece(text, piece, self.transactions, &mut own);
            // The parser is C code with a long way back to here: a panic in it,
            // or in the walk, refuses the text and nothing else.
            let checked = catch_unwind(AssertUnwindSafe(one));
            found.extend(checked.unwrap_or_else(|_| Err(gate_error("the parser failed on it")))?);
        }
        Ok(found)
    }
}

impl Rules {
    fn walker<'a>(&'a self, transactions: TransactionMode, own: &'a OwnObjects) -> Walker<'a> {
        Walker::new(&self.facts, &self.context, own, self.grants.as_ref()).wrapped(transactions)
    }

    /// Checks what is between two semicolons; what it makes is put among `own`.
    fn check_piece(
        &self,
        whole: &str,
        piece: Piece<'_>,
        transactions: TransactionMode,
        own: &mut OwnObjects,
    ) -> Result<Vec<Checked>, PolicyError> {
        if piece.text.len() > MAX_STATEMENT {
            let why = format!("a statement has {} bytes, more than {MAX_STATEMENT}", piece.text.len());
            return Err(PolicyError::Gate { why });
        }
        let parsed = parse(piece.text).map_err(|error| split::syntax_error_in(whole, piece, &error))?;
        let mut found = Vec::new();
        for mut raw in parsed.stmts {
            let written = split::trimmed(piece.text, raw.stmt_location, raw.stmt_len);
            if written.text.is_empty() {
                continue;
            }
            let node = raw.stmt.as_ref().and_then(|node| node.node.as_ref());
            let (what, tags) = node.map_or(("", &[][..]), |node| (kind::words(node), kind::tags(node)));
            let offset = piece.offset + written.offset;
            if let Some((what, why)) = node.and_then(|node| alone::reason(node, transactions)) {
                let node = node.map_or("", kind::node_name);
                let stop = Stop { at: written.offset, node, why: why.to_owned(), grant: None };
                return Err(refused(what, stop, whole, piece.offset));
            }
            let mut walker = self.walker(transactions, own);
            walker.raw(&mut raw).map_err(|mut stop| {
                stop.at = stop.at.max(written.offset);
                refused(what, *stop, whole, piece.offset)
            })?;
            let (needs, changes) = (walker.needs, walker.changes);
            let tree = ParseResult { version: parsed.version, stmts: vec![raw] };
            let sent = self.written_anew(tree, written.text, transactions, own);
            let text = sent.map_err(|mut stop| {
                stop.at = written.offset;
                refused(what, *stop, whole, piece.offset)
            })?;
            changes.iter().for_each(|change| own.apply(change));
            found.push(Checked { text, source: written.text.to_owned(), offset, tags, changes, needs });
        }
        Ok(found)
    }

    /// Writes a tree that was walked as a text, and makes sure that the text
    /// means the same.
    ///
    /// Where it reads back as another tree, as where the parser has two trees
    /// for one thing, that tree is walked too, and the fingerprints must be
    /// equal.
    fn written_anew(
        &self,
        mut tree: ParseResult,
        source: &str,
        transactions: TransactionMode,
        own: &OwnObjects,
    ) -> Result<String, Box<Stop>> {
        let stop = |why: String| Box::new(Stop { at: 0, node: "RawStmt", why, grant: None });
        for raw in &mut tree.stmts {
            (raw.stmt_location, raw.stmt_len) = (0, 0);
        }
        let text = pg_query::deparse(&tree, DeparseOptions::default())
            .map_err(|error| stop(format!("it cannot be written from its syntax tree: {error}")))?;
        let again = parse(&text).map_err(|error| stop(format!("it cannot be read again: {error}")))?;
        if same::digest(&again.stmts) == same::digest(&tree.stmts) {
            return Ok(text);
        }
        let [mut raw] = <[_; 1]>::try_from(again.stmts)
            .map_err(|_| stop("it is read again as several statements".into()))?;
        self.walker(transactions, own).raw(&mut raw)?;
        match fingerprint(&text).is_some() && fingerprint(&text) == fingerprint(source) {
            true => Ok(text),
            false => Err(stop("written from its syntax tree it would mean something else".into())),
        }
    }
}

impl Walker<'_> {
    /// A table with which the host does something.
    fn used(&mut self, usage: TableUse, name: &Name) -> Result<(), Box<Stop>> {
        let rights: &[Right] = match usage {
            TableUse::Write => &[Right::Write],
            TableUse::Lock => &[Right::Lock],
            TableUse::Truncate => &[Right::Truncate],
            TableUse::Define => &[Right::Ddl],
            TableUse::Describe => return self.use_name(Kind::Relation, name),
        };
        self.target_name(Kind::Relation, rights, name)
    }
}

fn parse(text: &str) -> Result<ParseResult, pg_query::Error> {
    pg_query::parse(text, ParserOptions::DEFAULT).map(|parsed| parsed.protobuf)
}

fn fingerprint(text: &str) -> Option<u64> {
    let found = pg_query::fingerprint(text, ParserOptions::DEFAULT, FingerprintOptions::FULL_RELNAME);
    found.ok().map(|fingerprint| fingerprint.value)
}

fn check_length(text: &str) -> Result<(), PolicyError> {
    if text.len() > split::MAX_TEXT {
        let why = format!("it has {} bytes, more than {}", text.len(), split::MAX_TEXT);
        return Err(PolicyError::Gate { why });
    }
    match text.contains('\0') {
        true => Err(gate_error("it holds a NUL")),
        false => Ok(()),
    }
}

fn gate_error(why: &str) -> PolicyError {
    PolicyError::Gate { why: why.to_owned() }
}

fn as_written(statement: split::Statement<'_>) -> Checked {
    let text = statement.text.to_owned();
    Checked {
        source: text.clone(),
        text,
        offset: statement.offset,
        tags: &[],
        changes: Vec::new(),
        needs: Vec::new(),
    }
}

fn refused(what: &'static str, stop: Stop, whole: &str, offset: usize) -> PolicyError {
    let position = characters(whole, offset + stop.at);
    let Stop { node, why, grant, .. } = stop;
    PolicyError::Refused(Box::new(Refusal { what, node, why, grant, position }))
}
