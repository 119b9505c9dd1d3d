//! The walk over a statement's whole tree: every node is known and checked, or
//! the statement is refused.
//!
//! The tree is that of PostgreSQL 18's own grammar. Names without a schema are
//! completed on the way, so that what is sent means the same on the server as it
//! does here. A guest controls every value in the tree.

mod code;
mod define;
mod dispatch;
mod dml;
mod expression;
mod function;
mod json;
mod maintain;
mod name;
mod object;
mod plpgsql;
mod privilege;
mod query;
mod session;
mod table;
mod table_parts;
mod trigger;
mod types;

use pg_query::Node;
use pg_query::protobuf::RawStmt;

use super::check::Context;
use super::facts::ServerFacts;
use super::need::{Grants, Name, Need, Right};
use super::own::{Arity, Change, Kind, OwnObjects};
use crate::revision::{CodeGrant, TransactionMode};

/// How deep the walk goes. The parser's own limit is lower; this one makes the
/// walk's use of the stack bounded whatever the parser does.
const MAX_DEPTH: usize = 400;

/// Why a walk ended.
#[derive(Debug)]
pub(super) struct Stop {
    /// Where the node is in the parsed text, in bytes.
    pub(super) at: usize,
    pub(super) node: &'static str,
    pub(super) why: String,
    pub(super) grant: Option<String>,
}

pub(super) type Walk<T = ()> = Result<T, Box<Stop>>;

/// How the relations of the part at hand are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Their rows are read.
    Read,
    /// A view or the like is defined over them.
    Define,
    /// Their rows are locked, as by FOR UPDATE.
    Lock,
}

/// One walk over one statement.
pub(super) struct Walker<'a> {
    facts: &'a ServerFacts,
    context: &'a Context,
    own: &'a OwnObjects,
    /// How the step is wrapped in transactions.
    transactions: TransactionMode,
    /// `None` while recording.
    grants: Option<&'a Grants>,
    /// What was needed.
    pub(super) needs: Vec<Need>,
    /// What is the step's own once the statement has succeeded.
    pub(super) changes: Vec<Change>,
    /// The names of the common table expressions in scope.
    ctes: Vec<String>,
    /// The names of those that are being defined.
    not_yet: Vec<String>,
    usage: Use,
    /// Whether the text is sent as it is, as a function's body is, so that no
    /// name in it can be completed.
    is_verbatim: bool,
    /// The routine whose body is walked: it may call itself.
    within: Option<Name>,
    /// The table that is being made: it may refer to itself.
    making: Option<Name>,
    at: usize,
    /// In a body, where the body is: its own positions mean nothing outside.
    is_placed: bool,
    depth: usize,
    node: &'static str,
}

impl<'a> Walker<'a> {
    pub(super) fn new(
        facts: &'a ServerFacts,
        context: &'a Context,
        own: &'a OwnObjects,
        grants: Option<&'a Grants>,
    ) -> Self {
        Self {
            facts,
            context,
            own,
            transactions: TransactionMode::Revision,
            grants,
            needs: Vec::new(),
            changes: Vec::new(),
            ctes: Vec::new(),
            not_yet: Vec::new(),
            usage: Use::Read,
            is_verbatim: false,
            within: None,
            making: None,
            at: 0,
            is_placed: false,
            depth: 0,
            node: "RawStmt",
        }
    }

    /// For a step that is wrapped in transactions in this way.
    pub(super) fn wrapped(self, transactions: TransactionMode) -> Self {
        Self { transactions, ..self }
    }

    /// Whether each statement has a transaction of its own, or none.
    fn is_by_statement(&self) -> bool {
        self.transactions == TransactionMode::None
    }

    /// CONCURRENTLY, which is for steps without a transaction.
    fn concurrently(&self, is_concurrent: bool) -> Walk {
        match is_concurrent && !self.is_by_statement() {
            true => self.refuse("CONCURRENTLY cannot run in a transaction"),
            false => Ok(()),
        }
    }

    /// Walks one parsed statement.
    pub(super) fn raw(&mut self, raw: &mut RawStmt) -> Walk {
        self.see(raw.stmt_location);
        match raw.stmt.as_deref_mut() {
            Some(statement) => self.statement(statement),
            None => Err(self.stop("the statement is empty")),
        }
    }

    /// Notes where the walk is.
    fn see(&mut self, location: i32) {
        if let Ok(at) = usize::try_from(location)
            && !self.is_placed
            && at > 0
        {
            self.at = at;
        }
    }

    /// A refusal that no capability lifts.
    fn stop(&self, why: impl Into<String>) -> Box<Stop> {
        Box::new(Stop { at: self.at, node: self.node, why: why.into(), grant: None })
    }

    fn refuse<T>(&self, why: impl Into<String>) -> Walk<T> {
        Err(self.stop(why))
    }

    /// Notes a need, and refuses what the manifest does not grant.
    fn need(&mut self, need: Need) -> Walk {
        if let Some(grants) = self.grants
            && !grants.allow(&need)
        {
            let (why, grant) = (need.why(), need.line());
            return Err(Box::new(Stop { at: self.at, node: self.node, why, grant }));
        }
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
        Ok(())
    }

    /// Needs a right on an object, unless the step has made it itself.
    fn need_object(&mut self, kind: Kind, rights: &'static [Right], name: &Name) -> Walk {
        self.check_schema(&name.schema, rights.first() == Some(&Right::Read))?;
        if self.own.has(kind, name) {
            return Ok(());
        }
        self.need(Need::Object(rights, name.clone()))
    }

    fn made(&mut self, kind: Kind, name: &Name) {
        self.made_routine(kind, name, Arity::ANY);
    }

    fn made_routine(&mut self, kind: Kind, name: &Name, arity: Arity) {
        self.changes.push(Change::Made(kind, name.clone(), arity));
    }

    /// Goes one level down.
    fn deeper(&mut self, walk: impl FnOnce(&mut Self) -> Walk) -> Walk {
        if self.depth >= MAX_DEPTH {
            return self.refuse("it is nested too deeply");
        }
        self.depth += 1;
        let outer = self.node;
        let result = walk(self);
        self.depth -= 1;
        if result.is_ok() {
            self.node = outer;
        }
        result
    }

    fn each(&mut self, nodes: &mut [Node]) -> Walk {
        nodes.iter_mut().try_for_each(|node| self.node(node))
    }

    fn maybe(&mut self, node: &mut Option<Box<Node>>) -> Walk {
        node.as_deref_mut().map_or(Ok(()), |node| self.node(node))
    }

    /// Walks a part in which relations are used in another way.
    fn using(&mut self, usage: Use, walk: impl FnOnce(&mut Self) -> Walk) -> Walk {
        let outer = std::mem::replace(&mut self.usage, usage);
        let result = walk(self);
        self.usage = outer;
        result
    }

    /// The kind of code that may be made here, or the refusal. `None` while
    /// recording.
    fn code_grant(&mut self) -> Walk<Option<CodeGrant>> {
        let Some(grants) = self.grants else { return Ok(None) };
        match grants.code() {
            Some(CodeGrant::Unchecked) if !self.context.allows_unchecked_code => Ok(Some(CodeGrant::Vetted)),
            Some(grant) => Ok(Some(grant)),
            None => self.need(Need::Code(CodeGrant::Vetted)).map(|()| None),
        }
    }
}
