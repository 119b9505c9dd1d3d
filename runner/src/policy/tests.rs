//! One helper, many cases: what is allowed with which grants, and what never is.

mod allowed;
mod alone;
mod bodies;
mod existing;
mod fuzz;
mod granted;
mod never;
mod samples;
mod sent;

use std::sync::Arc;

use super::*;
use crate::revision::{Capabilities, CodeGrant};

/// The project of the tests: `app` is its schema, `runner` the ledger's.
fn context() -> Context {
    Context {
        default_schema: "app".into(),
        ledger_schemas: vec!["runner".into()],
        allows_unchecked_code: true,
        max_timeout_ms: 60_000,
    }
}

fn list(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|pattern| (*pattern).into()).collect()
}

/// All that can be granted on `app`, but for `app.undeclared`.
fn everything() -> Capabilities {
    let objects = list(&["app.*", "app", "!app.undeclared"]);
    Capabilities {
        read: objects.clone(),
        write: objects.clone(),
        truncate: objects.clone(),
        lock: objects.clone(),
        ddl: objects.clone(),
        drop: objects.clone(),
        rls: objects.clone(),
        call: objects,
        grant: list(&["victim"]),
        extension: list(&["*"]),
        trigger: list(&["app.*", "tsvector_update_trigger", "suppress_redundant_updates_trigger", "*"]),
        code: Some(CodeGrant::Vetted),
        set_local: true,
        random: true,
        secrets: Vec::new(),
    }
}

fn policy(grants: &Capabilities) -> Policy {
    Policy::enforcing(grants, ServerFacts::built_in(), context()).expect("the grants can be read")
}

fn check(grants: &Capabilities, sql: &str) -> Result<Vec<Checked>, PolicyError> {
    policy(grants).statements(sql)
}

/// Runs statements one after another, as if each had succeeded.
fn run(policy: &mut Policy, sql: &str) -> Result<(), PolicyError> {
    for statement in policy.statements(sql)? {
        policy.succeeded(&statement);
    }
    Ok(())
}

fn facts(major: u32) -> Arc<ServerFacts> {
    let major = major.to_string();
    Arc::new(ServerFacts::from_rows([("version", major.as_str())]).expect("has a version"))
}
