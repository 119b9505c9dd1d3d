//! Bodies in plpgsql: the parser's JSON is walked, and every expression in it
//! goes through the same policy.
//!
//! A kind of statement or a key that is not known refuses the body. The parser's
//! JSON leaves some things out (the initial value of a record, for one), so the
//! tokens of the body are compared with those of the expressions that were
//! checked: a call, a name with a dot or a query that no expression holds refuses
//! the body too.

use pg_query::protobuf::{CreateFunctionStmt, FunctionParameterMode, KeywordKind, Token};
use pg_query::{NodeEnum, ParserOptions};
use serde_json::{Map, Value};

use super::{Walk, Walker};
use crate::policy::gate;
use crate::policy::need::Name;

/// `RAISE LOG`: PostgreSQL's number for the level that goes to the server's log.
const LOG: u64 = 15;

/// How deep blocks and statements may nest.
const MAX_NESTING: usize = 100;

/// What the header of a function says of the names in its body.
#[derive(Debug, Default)]
pub(super) struct Signature {
    parameters: Vec<(String, FunctionParameterMode, bool)>,
    is_procedure: bool,
    is_set: bool,
    is_void: bool,
    is_trigger: bool,
}

impl Signature {
    pub(super) fn of(create: &CreateFunctionStmt) -> Self {
        let parameter = |node: &pg_query::Node| match &node.node {
            Some(NodeEnum::FunctionParameter(parameter)) => {
                let is_row = parameter.arg_type.as_ref().is_some_and(|name| {
                    let is_catalog = matches!(&name.names[0].node, Some(NodeEnum::String(part)) if part.sval == "pg_catalog");
                    name.names.len() > 1 && !is_catalog && name.array_bounds.is_empty()
                });
                Some((parameter.name.clone(), parameter.mode(), is_row))
            }
            _ => None,
        };
        let returned = create.return_type.as_ref();
        let returns = |sought: &str| {
            let last = returned.and_then(|name| name.names.last()).and_then(|part| part.node.as_ref());
            matches!(last, Some(NodeEnum::String(name)) if name.sval == sought)
        };
        Self {
            parameters: create.parameters.iter().filter_map(parameter).collect(),
            is_procedure: create.is_procedure,
            is_set: returned.is_some_and(|name| name.setof),
            is_void: returned.is_none() || returns("void"),
            is_trigger: returns("trigger"),
        }
    }

    /// A function with the same names and with types that the parser can look
    /// up: it has no catalog, and no NEW or OLD.
    fn imitation(&self, body: &str, rows: &str) -> String {
        let mut parameters = Vec::new();
        let mut is_out = false;
        for (name, mode, is_row) in &self.parameters {
            let kind = match is_row {
                true => rows,
                false => "text",
            };
            let mode = match mode {
                FunctionParameterMode::FuncParamOut | FunctionParameterMode::FuncParamTable => "OUT",
                FunctionParameterMode::FuncParamInout => "INOUT",
                _ => "IN",
            };
            is_out |= mode != "IN";
            parameters.push(format!("{mode} {} {kind}", quoted(name)));
        }
        if self.is_trigger {
            parameters.extend(TRIGGER.iter().map(|name| match *name {
                "new" | "old" => format!("IN {name} record"),
                name => format!("IN {name} text"),
            }));
        }
        let returns = match (self.is_procedure, is_out, self.is_set) {
            (true, ..) | (false, true, false) => "",
            (false, true, true) => "RETURNS SETOF record",
            (false, false, true) => "RETURNS SETOF text",
            (false, false, false) if self.is_void => "RETURNS void",
            (false, false, false) if self.is_trigger => "RETURNS record",
            (false, false, false) => "RETURNS text",
        };
        let what = if self.is_procedure { "PROCEDURE" } else { "FUNCTION" };
        let mut tag = String::from("$body$");
        while body.contains(&tag) {
            tag.insert(1, 'b');
        }
        format!("CREATE {what} f({}) {returns} LANGUAGE plpgsql AS {tag}{body}{tag}", parameters.join(", "))
    }
}

/// What a trigger's body finds.
const TRIGGER: [&str; 13] = [
    "new",
    "old",
    "tg_name",
    "tg_when",
    "tg_level",
    "tg_op",
    "tg_relid",
    "tg_relname",
    "tg_table_name",
    "tg_table_schema",
    "tg_nargs",
    "tg_argv",
    "tg_event",
];

impl Walker<'_> {
    pub(super) fn plpgsql(&mut self, signature: &Signature, texts: &[String]) -> Walk {
        let [body] = texts else { return self.refuse("a body in one text is expected") };
        gate::check_comments(body).map_err(|error| self.stop(error.to_string()))?;
        // A parameter of a type that is not PostgreSQL's may be a row or a value.
        let read = |rows| pg_query::parse_plpgsql(&signature.imitation(body, rows));
        let parsed = read("text").or_else(|_| read("record"));
        let parsed = parsed.map_err(|error| self.stop(format!("it cannot be read: {error}")))?;
        let mut reader = Body { checked: Vec::new(), nesting: 0 };
        let function = match parsed.as_array().map(Vec::as_slice) {
            Some([one]) => one.get("PLpgSQL_function").and_then(Value::as_object),
            _ => None,
        };
        let Some(function) = function else { return self.refuse("it cannot be read") };
        let Some(action) = function.get("action") else { return self.refuse("it cannot be read") };
        if let Some(datums) = function.get("datums") {
            reader.all(self, datums)?;
        }
        reader.one(self, action)?;
        self.node = "plpgsql";
        reader.nothing_left_out(self, body)
    }
}

/// The walk over one body.
struct Body {
    /// The texts that were checked.
    checked: Vec<String>,
    nesting: usize,
}

impl Body {
    fn all(&mut self, walker: &mut Walker<'_>, list: &Value) -> Walk {
        let Some(list) = list.as_array() else { return walker.refuse("it cannot be read") };
        list.iter().try_for_each(|item| self.one(walker, item))
    }

    /// One node: an object with one key, its kind.
    fn one(&mut self, walker: &mut Walker<'_>, node: &Value) -> Walk {
        let Some(object) = node.as_object() else { return walker.refuse("it cannot be read") };
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return walker.refuse("it is nested too deeply");
        }
        for (kind, fields) in object {
            let Some(fields) = fields.as_object() else { return walker.refuse("it cannot be read") };
            self.known(walker, kind, fields)?;
        }
        self.nesting -= 1;
        Ok(())
    }

    fn known(&mut self, walker: &mut Walker<'_>, kind: &str, fields: &Map<String, Value>) -> Walk {
        match kind {
            "PLpgSQL_expr" => return self.expression(walker, fields),
            "PLpgSQL_type" => return self.type_of(walker, fields),
            "PLpgSQL_condition" => caught(walker, fields)?,
            "PLpgSQL_stmt_raise" if fields.get("elog_level").and_then(Value::as_u64) == Some(LOG) => {
                return walker.refuse("RAISE LOG fills the server's log");
            }
            "PLpgSQL_stmt_return_query" if fields.contains_key("dynquery") => return dynamic(walker),
            "PLpgSQL_var" if fields.contains_key("cursor_explicit_expr") => {
                return walker.refuse("cursors outlive the statement that opens them; use FOR … IN SELECT");
            }
            kind if STATEMENTS.contains(&kind) || PARTS.contains(&kind) => {}
            "PLpgSQL_stmt_dynexecute" | "PLpgSQL_stmt_dynfors" => return dynamic(walker),
            "PLpgSQL_stmt_commit" | "PLpgSQL_stmt_rollback" => {
                return walker.refuse("the runner owns the transaction");
            }
            "PLpgSQL_stmt_open" | "PLpgSQL_stmt_fetch" | "PLpgSQL_stmt_close" | "PLpgSQL_stmt_forc" => {
                return walker.refuse("cursors outlive the statement that opens them; use FOR … IN SELECT");
            }
            other => return walker.refuse(format!("`{other}` is not known")),
        }
        fields.iter().try_for_each(|(key, value)| self.field(walker, key, value))?;
        // The parser has written SELECT for PERFORM: that one is not the body's.
        if kind == "PLpgSQL_stmt_perform"
            && let Some(query) = self.checked.last_mut()
        {
            *query = query.replacen("SELECT", "", 1);
        }
        Ok(())
    }

    /// A field is a plain value under a known key, a node, or a list of nodes.
    fn field(&mut self, walker: &mut Walker<'_>, key: &str, value: &Value) -> Walk {
        match value {
            Value::Object(_) => self.one(walker, value),
            // The columns of a row: names and numbers.
            Value::Array(_) if key == "fields" => Ok(()),
            Value::Array(_) => self.all(walker, value),
            Value::String(_) | Value::Number(_) | Value::Bool(_) if PLAIN.contains(&key) => Ok(()),
            _ => walker.refuse(format!("`{key}` is not known")),
        }
    }

    /// A type by its name. `%TYPE` and `%ROWTYPE` are those of a column, a table
    /// or a variable, which the parser has found or left as it is.
    fn type_of(&mut self, walker: &mut Walker<'_>, fields: &Map<String, Value>) -> Walk {
        let Some(name) = fields.get("typname").and_then(Value::as_str) else { return Ok(()) };
        self.checked.push(name.to_owned());
        let Some((referred, _)) = name.split_once('%') else {
            return walker.type_text(name.trim_matches('"'));
        };
        let parts: Vec<&str> = referred.split('.').map(str::trim).collect();
        let is_row = name.to_ascii_lowercase().ends_with("%rowtype");
        match (parts.as_slice(), is_row) {
            ([_], false) => Ok(()),
            ([schema, table], true) | ([schema, table, _], false) => {
                walker.user_type(&Name::new(folded(schema), folded(table)))
            }
            _ => walker.refuse(format!(
                "`{name}` needs the schema: in a body it is looked up when the function runs"
            )),
        }
    }

    fn expression(&mut self, walker: &mut Walker<'_>, fields: &Map<String, Value>) -> Walk {
        let query = fields.get("query").and_then(Value::as_str);
        let mode = fields.get("parseMode").and_then(Value::as_u64);
        let (Some(query), Some(mode @ (0 | 2..=5))) = (query, mode) else {
            return walker.refuse("an expression cannot be read");
        };
        let mode = ParserOptions::from(u32::try_from(mode).unwrap_or_default());
        let parsed = pg_query::parse(query, mode);
        let mut parsed = parsed.map_err(|error| walker.stop(format!("`{query}` cannot be read: {error}")))?;
        let [raw] = parsed.protobuf.stmts.as_mut_slice() else {
            return walker.refuse(format!("`{query}` is more than one statement"));
        };
        let Some(statement) = raw.stmt.as_deref_mut() else { return walker.refuse("an expression is empty") };
        let (scope, depth) = (walker.ctes.len(), walker.depth);
        walker.statement(statement)?;
        walker.ctes.truncate(scope);
        walker.depth = depth;
        self.checked.push(query.to_owned());
        Ok(())
    }

    /// Compares the tokens that could do something with those that were checked.
    fn nothing_left_out(&self, walker: &Walker<'_>, body: &str) -> Walk {
        let mut seen: Vec<String> = Vec::new();
        for text in &self.checked {
            seen.extend(active(walker, text)?);
        }
        for token in active(walker, body)? {
            match seen.iter().position(|other| *other == token) {
                Some(at) => drop(seen.swap_remove(at)),
                None => return walker.refuse(format!("`{token}` stands where it cannot be checked")),
            }
        }
        Ok(())
    }
}

fn dynamic(walker: &Walker<'_>) -> Walk {
    walker.refuse("dynamic SQL cannot be checked; `code = \"unchecked\"` would allow it")
}

/// A handler for a cancelled statement would outlive its time-out. `others` does
/// not catch it.
fn caught(walker: &Walker<'_>, fields: &Map<String, Value>) -> Walk {
    let condition = fields.get("condname").and_then(Value::as_str).unwrap_or_default();
    let is_cancel =
        matches!(condition, "query_canceled" | "operator_intervention") || condition.starts_with("57");
    match is_cancel || condition.is_empty() {
        true => walker.refuse("a handler for `query_canceled` would outlive the time-outs"),
        false => Ok(()),
    }
}

/// The tokens of a text that could reach something: a word before a bracket, a
/// word after a dot, and the words that begin a query.
fn active(walker: &Walker<'_>, text: &str) -> Walk<Vec<String>> {
    const QUERIES: [&str; 8] = ["select", "insert", "update", "delete", "merge", "values", "table", "with"];
    let tokens = pg_query::scan_tokens(text).map_err(|error| walker.stop(error.to_string()))?;
    let mut found = Vec::new();
    let kinds: Vec<Token> =
        tokens.iter().map(|token| Token::try_from(token.token).unwrap_or(Token::Nul)).collect();
    let mut last = Token::Nul;
    for (at, token) in tokens.iter().enumerate() {
        if matches!(kinds[at], Token::SqlComment | Token::CComment) {
            continue;
        }
        let bounds = usize::try_from(token.start).ok().zip(usize::try_from(token.end).ok());
        let Some(word) = bounds.and_then(|(start, end)| text.get(start..end)) else {
            return walker.refuse("it cannot be read");
        };
        let word = folded(word);
        let next = kinds[at + 1..].iter().find(|kind| !matches!(kind, Token::SqlComment | Token::CComment));
        let is_keyword = token.keyword_kind() != KeywordKind::NoKeyword;
        let is_word = is_keyword || matches!(kinds[at], Token::Ident | Token::Uident);
        let is_called = next == Some(&Token::Ascii40) && !is_structure(walker, &word);
        // PERFORM becomes SELECT, and FOR UPDATE is not a query.
        let is_query = is_keyword && QUERIES.contains(&word.as_str()) && last != Token::For;
        if is_word && (is_called || last == Token::Ascii46 || is_query) {
            found.push(word);
        }
        last = kinds[at];
    }
    Ok(found)
}

/// Words of plpgsql and of types that may stand before a bracket.
fn is_structure(walker: &Walker<'_>, word: &str) -> bool {
    const WORDS: [&str; 34] = [
        "if", "elsif", "elseif", "when", "while", "return", "then", "else", "and", "or", "not", "in", "by",
        "loop", "case", "exit", "assert", "perform", "default", "using", "from", "into", "on", "as", "is",
        "like", "between", "where", "having", "any", "all", "some", "exists", "cursor",
    ];
    WORDS.contains(&word)
        || (walker.facts.allows_type(word) && walker.facts.allows_function(word))
        || matches!(
            word,
            "decimal" | "character" | "numeric" | "float" | "dec" | "varying" | "varchar" | "bit" | "char"
        )
}

fn folded(word: &str) -> String {
    match word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => word.to_ascii_lowercase(),
    }
}

fn quoted(name: &str) -> String {
    match name.is_empty() {
        true => String::new(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// The statements that are known.
const STATEMENTS: [&str; 20] = [
    "PLpgSQL_stmt_block",
    "PLpgSQL_stmt_assign",
    "PLpgSQL_stmt_if",
    "PLpgSQL_stmt_case",
    "PLpgSQL_stmt_loop",
    "PLpgSQL_stmt_while",
    "PLpgSQL_stmt_fori",
    "PLpgSQL_stmt_fors",
    "PLpgSQL_stmt_foreach_a",
    "PLpgSQL_stmt_exit",
    "PLpgSQL_stmt_return",
    "PLpgSQL_stmt_return_next",
    "PLpgSQL_stmt_return_query",
    "PLpgSQL_stmt_raise",
    "PLpgSQL_stmt_assert",
    "PLpgSQL_stmt_execsql",
    "PLpgSQL_stmt_perform",
    "PLpgSQL_stmt_call",
    "PLpgSQL_stmt_getdiag",
    "PLpgSQL_stmt_null",
];

/// Their parts.
const PARTS: [&str; 11] = [
    "PLpgSQL_exception_block",
    "PLpgSQL_exception",
    "PLpgSQL_condition",
    "PLpgSQL_if_elsif",
    "PLpgSQL_case_when",
    "PLpgSQL_raise_option",
    "PLpgSQL_diag_item",
    "PLpgSQL_var",
    "PLpgSQL_row",
    "PLpgSQL_rec",
    "PLpgSQL_recfield",
];

/// Fields with a number, a word or a flag.
const PLAIN: [&str; 31] = [
    "lineno",
    "label",
    "varno",
    "t_varno",
    "have_else",
    "reverse",
    "slice",
    "is_exit",
    "elog_level",
    "condname",
    "message",
    "opt_type",
    "into",
    "strict",
    "is_call",
    "is_stacked",
    "kind",
    "target",
    "refname",
    "isconst",
    "notnull",
    "dno",
    "fieldname",
    "recparentno",
    "name",
    "new_varno",
    "old_varno",
    "cursor_options",
    "curvar",
    "retvarno",
    "typname",
];
