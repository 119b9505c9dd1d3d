//! The cases' words for capabilities, as a manifest spells them.

use std::fmt::Write as _;

use super::isolation::Isolation;

/// What a table's capability covers: all of the fixture's tables but one.
const TABLES: &str = r#"["app.*", "!app.undeclared"]"#;
/// What a schema's capability covers.
const SCHEMA: &str = r#""app", "!app.undeclared""#;

/// Which code a case may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Vetted,
    Unchecked,
}

/// The table `[capabilities]` for some words. `code` takes the place of the
/// word's own meaning.
pub fn capabilities(words: &[String], code: Option<Code>, isolation: Isolation) -> Result<String, String> {
    let mut granted = Granted::default();
    for word in words {
        granted.add(word, isolation)?;
    }
    if code.is_some() {
        granted.code = code;
    }
    Ok(granted.toml())
}

#[derive(Default)]
struct Granted {
    lines: Vec<&'static str>,
    schemas: Vec<String>,
    drops: bool,
    /// Whether bodies may ask PostgreSQL's catalog what there is.
    catalogs: bool,
    extensions: Vec<String>,
    roles: Vec<String>,
    code: Option<Code>,
}

impl Granted {
    fn add(&mut self, word: &str, isolation: Isolation) -> Result<(), String> {
        match word.split_once(':') {
            Some(("create_schema", name)) => self.schemas.push(name.to_owned()),
            Some(("extension", name)) => self.extensions.push(name.to_owned()),
            Some(("grant", name)) => self.roles.push(name.to_owned()),
            None => match word {
                "read" => self.lines.push("read"),
                // Data for COPY comes through a writer, which writes.
                "dml" | "copy_in" => self.lines.push("write"),
                "truncate" => self.lines.push("truncate"),
                "lock" => self.lines.push("lock"),
                "rls" => self.lines.push("rls"),
                "ddl" => self.schemas.insert(0, String::new()),
                "drop" => self.drops = true,
                "trigger" => self.lines.push("trigger"),
                "set_local" => self.lines.push("set_local"),
                "random" => self.lines.push("random"),
                "vetted" => self.code = self.code.or(Some(Code::Vetted)),
                "code" => self.add_code(isolation),
                _ => return Err(format!("no capability is called `{word}` here")),
            },
            Some(_) => return Err(format!("no capability is called `{word}` here")),
        }
        Ok(())
    }

    /// Code that nobody reads, or where that cannot be granted, code whose body
    /// is read. The cases say nothing of what a body does: it may do what the
    /// fixture's tables are there for.
    fn add_code(&mut self, isolation: Isolation) {
        self.code = Some(isolation.code());
        self.lines.extend(["read", "write"]);
        self.catalogs = isolation.code() == Code::Vetted;
    }

    fn toml(mut self) -> String {
        let mut text = String::from("[capabilities]\ncall = [\"app.*\"]\n");
        self.lines.sort_unstable();
        self.lines.dedup();
        for name in &self.lines {
            let value = match *name {
                "set_local" | "random" => "true",
                "read" if self.catalogs => r#"["app.*", "!app.undeclared", "pg_catalog.pg_type"]"#,
                "trigger" => r#"["tsvector_update_trigger", "suppress_redundant_updates_trigger", "app.*"]"#,
                _ => TABLES,
            };
            line(&mut text, name, value);
        }
        if !self.schemas.is_empty() {
            let schema =
                |name: &String| if name.is_empty() { SCHEMA.to_owned() } else { format!("{name:?}") };
            let schemas: Vec<String> = self.schemas.iter().map(schema).collect();
            line(&mut text, "ddl", &format!("[{}]", schemas.join(", ")));
        }
        if self.drops {
            line(&mut text, "drop", &format!("[{SCHEMA}]"));
        }
        for (name, values) in [("extension", &self.extensions), ("grant", &self.roles)] {
            if !values.is_empty() {
                line(&mut text, name, &format!("{values:?}"));
            }
        }
        match self.code {
            Some(Code::Vetted) => line(&mut text, "code", "\"vetted\""),
            Some(Code::Unchecked) => line(&mut text, "code", "\"unchecked\""),
            None => {}
        }
        text
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    writeln!(text, "{name} = {value}").expect("a string takes everything");
}
