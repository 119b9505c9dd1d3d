//! The samples of attacks and of ordinary statements that `cargo xtask hostile`
//! replays, here against the policy alone.

use serde_json::Value;

use super::*;

fn samples(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/hostile");
    let text = std::fs::read_to_string(format!("{folder}/{name}")).expect("the samples can be read");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn texts(sample: &Value, key: &str) -> Vec<String> {
    let items = sample.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn statements(sample: &Value) -> Vec<String> {
    let fill = |text: String| {
        let filled = text.replace("${HIST}", "runner.history").replace("${RUNNER}", "runner");
        filled.replace("${GUEST}", "guest").replace("${DB}", "vx")
    };
    texts(sample, "statements").into_iter().map(fill).collect()
}

fn grants(words: &[String], code: Option<CodeGrant>) -> Capabilities {
    let mut grants = Capabilities { code, call: list(&["app.*"]), ..Capabilities::default() };
    let objects = list(&["app.*", "!app.undeclared"]);
    for word in words {
        match word.split_once(':').unwrap_or((word, "")) {
            ("read", _) => grants.read = objects.clone(),
            ("dml" | "copy_in", _) => grants.write = objects.clone(),
            ("ddl", _) => grants.ddl.extend(list(&["app", "app.*", "!app.undeclared"])),
            ("drop", _) => grants.drop = objects.clone(),
            ("truncate", _) => grants.truncate = objects.clone(),
            ("lock", _) => grants.lock = objects.clone(),
            ("code", _) => grants.code = Some(CodeGrant::Unchecked),
            ("vetted", _) => grants.code = Some(CodeGrant::Vetted),
            ("create_schema", schema) => grants.ddl.push(schema.into()),
            ("extension", name) => grants.extension.push(name.into()),
            ("grant", role) => grants.grant.push(role.into()),
            ("set_local", _) => grants.set_local = true,
            ("trigger", _) => {
                grants.trigger =
                    list(&["tsvector_update_trigger", "suppress_redundant_updates_trigger", "app.*"]);
            }
            other => panic!("unknown word {other:?}"),
        }
    }
    grants
}

/// Runs a sample's statements until one is refused.
fn refusal(sample: &Value, code: Option<CodeGrant>) -> Option<PolicyError> {
    let mut policy = policy(&grants(&texts(sample, "grant"), code));
    statements(sample).iter().find_map(|sql| match policy.statement(sql) {
        Ok(checked) => {
            policy.succeeded(&checked);
            None
        }
        Err(error) => Some(error),
    })
}

#[test]
fn attacks_are_refused_and_the_contained_are_not_the_policys() {
    for sample in samples("hostile-samples.jsonl") {
        if sample["expect"] != "reject" {
            continue;
        }
        assert!(refusal(&sample, None).is_some(), "{}: {:?}", sample["id"], statements(&sample));
        if sample["with_code_capability"]["vetted_bodies"] == "stopped" {
            let error = refusal(&sample, Some(CodeGrant::Vetted));
            assert!(error.is_some(), "{} with vetted code: {:?}", sample["id"], statements(&sample));
        }
    }
}

#[test]
fn ordinary_statements_are_sent() {
    for sample in samples("benign-samples.jsonl") {
        if sample["category"] == "copy" {
            continue;
        }
        let error = refusal(&sample, None);
        assert_eq!(error, None, "{}: {:?}", sample["id"], statements(&sample));
    }
}
