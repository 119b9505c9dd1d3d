//! What is refused before it runs.

use std::time::Duration;

use super::guest::{guest, guest_of, interface, probe, with_instances};
use super::{host, next_call_succeeds};
use crate::db::fake::FakeSession;
use crate::host::{
    CallError, Compiler, Constraint, DataConfig, Host, HostConfig, INTERFACE_VERSION, Limits, LoadError,
};

async fn refusal(bytes: &[u8]) -> LoadError {
    let host = host(Limits::default());
    let refused = host.load(bytes).await.expect_err("it is refused");
    next_call_succeeds(&host).await;
    refused
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("parses")
}

#[tokio::test]
async fn what_is_no_component_is_named() {
    assert!(matches!(refusal(b"").await, LoadError::NotWebAssembly));
    assert!(matches!(refusal(b"-- an SQL file").await, LoadError::NotWebAssembly));
    let module = refusal(&wat("(module)")).await;
    assert!(matches!(module, LoadError::CoreModule));
    assert!(module.to_string().contains("runner build"));
}

#[tokio::test]
async fn a_truncated_component_is_refused_wherever_it_is_cut() {
    let whole = guest("", "");
    let host = host(Limits::default());
    for end in (0..whole.len()).step_by(97) {
        host.load(&whole[..end]).await.expect_err("cut off");
    }
    assert!(matches!(refusal(&whole[..whole.len() / 2]).await, LoadError::Damaged { .. }));
}

#[tokio::test]
async fn a_component_with_a_flipped_bit_is_refused_or_harmless() {
    let whole = guest("", "");
    let host = host(Limits { guest_time_ms: 50, ..Limits::default() });
    for at in (0..whole.len()).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        if let Ok(component) = host.load(&damaged).await {
            let _ = super::call(&host, &component, FakeSession::new(), serde_json::json!({})).await;
        }
    }
    next_call_succeeds(&host).await;
}

#[tokio::test]
async fn imports_that_are_not_ours_are_refused_by_name_and_with_a_remedy() {
    let refused = refusal(&wat(r#"(component (import "wasi:random/random@0.2.0" (instance)))"#)).await;
    assert!(refused.to_string().contains("wasi:random/random@0.2.0"), "{refused}");
    assert!(refused.to_string().contains("--stub-wasi"), "{refused}");
    for import in ["runner:migration/files@0.1.0", "other:package/types@0.1.0", "runner:migration/sql"] {
        let refused = refusal(&wat(&format!(r#"(component (import "{import}" (instance)))"#))).await;
        assert!(matches!(refused, LoadError::Import { name, .. } if name == import));
    }
}

#[tokio::test]
async fn a_component_that_is_no_migration_is_refused() {
    let refused = refusal(&wat("(component)")).await;
    assert!(matches!(refused, LoadError::NotAMigration { .. }), "{refused}");
}

#[tokio::test]
async fn another_version_of_the_interface_is_named() {
    let newer = interface(|text| text.replace("0.1.1", "0.2.0").replace("0.1.0", "0.2.0"));
    let refused = refusal(&guest_of(&newer, "0.2.0", "", "")).await;
    assert_eq!(
        refused.to_string(),
        "the component was made for version 0.2.0 of the interface; this runner offers 0.1.1"
    );
}

#[tokio::test]
async fn a_later_patch_of_the_interface_is_accepted() {
    let later = interface(|text| text.replace("@0.1.1;", "@0.1.7;"));
    let host = host(Limits::default());
    host.load(&guest_of(&later, "0.1.7", "", "")).await.expect("loads");
}

#[tokio::test]
async fn wrong_types_behind_our_names_are_refused() {
    let wrong = interface(|text| {
        text.replace(
            "log: func(level: level, message: string);",
            "log: func(level: level, message: list<u8>);",
        )
    });
    let refused = refusal(&guest_of(&wrong, INTERFACE_VERSION, "", "")).await;
    assert!(matches!(refused, LoadError::Interface { .. }), "{refused}");
}

#[tokio::test]
async fn a_later_patch_that_does_not_fit_is_named() {
    let later = interface(|text| {
        text.replace("@0.1.1;", "@0.1.7;").replace(
            "log: func(level: level, message: string);",
            "log: func(level: level, message: list<u8>);",
        )
    });
    let refused = refusal(&guest_of(&later, "0.1.7", "", "")).await;
    assert_eq!(
        refused.to_string(),
        "the component was made for version 0.1.7 of the interface; this runner offers 0.1.1"
    );
}

#[tokio::test]
async fn a_component_that_is_too_large_is_refused() {
    let host = host(Limits { component_bytes: 1000, ..Limits::default() });
    let refused = host.load(probe()).await.expect_err("too large");
    assert!(matches!(refused, LoadError::TooLarge { limit: 1000, .. }), "{refused}");
}

#[tokio::test]
async fn a_function_that_is_too_large_is_refused_before_it_is_compiled() {
    let bomb = guest(&format!("(func (param i32) {})", "(drop (local.get 0))".repeat(200_000)), "");
    let refused = refusal(&bomb).await;
    assert!(matches!(refused, LoadError::FunctionTooLarge { size: 600_000.., .. }), "{refused}");
}

#[tokio::test]
async fn features_that_are_off_are_refused() {
    for items in [
        "(memory $other 1 1 shared)",
        "(func $f (return_call $f))",
        "(func (param v128 v128 v128) (drop (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2))))",
    ] {
        let refused = refusal(&guest(items, "")).await;
        assert!(matches!(refused, LoadError::Compile { .. }), "{items}: {refused}");
    }
}

#[tokio::test]
async fn nine_hundred_instances_are_too_many() {
    let host = host(Limits::default());
    let component = host.load(&with_instances(guest("", ""), 900)).await.expect("loads");
    let outcome = super::call(&host, &component, FakeSession::new(), serde_json::json!({})).await;
    assert_eq!(outcome.error(), &CallError::Limit { constraint: Constraint::Instances { limit: 64 } });
    let component = host.load(&with_instances(guest("", ""), 40)).await.expect("loads");
    super::call(&host, &component, FakeSession::new(), serde_json::json!({})).await.succeeded();
    next_call_succeeds(&host).await;
}

fn child_host(script: &str, limits: Limits) -> Host {
    let args = ["-c".into(), script.into()].into();
    let compiler = Compiler::Child { program: "/bin/sh".into(), args };
    Host::new(HostConfig { limits, data: DataConfig::default(), cache: None, compiler }).expect("a host")
}

#[tokio::test]
async fn a_compiler_that_takes_too_long_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let pid = directory.path().join("pid");
    let script = format!("echo $$ > {}; exec /bin/sleep 600", pid.display());
    let limits = Limits { compile_time_ms: 300, ..Limits::default() };
    let refused = child_host(&script, limits).load(&guest("", "")).await.expect_err("too slow");
    assert!(matches!(refused, LoadError::CompileTime { limit } if limit == Duration::from_millis(300)));
    let pid = std::fs::read_to_string(pid).expect("it has started");
    let alive = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.contains("(sleep) S")
    };
    for _ in 0..100 {
        if !alive() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the compiler is still alive");
}

#[tokio::test]
async fn what_the_compiler_says_is_reported() {
    let refused = child_host("echo 'no such thing' >&2; exit 1", Limits::default());
    let refused = refused.load(&guest("", "")).await.expect_err("refused");
    assert!(matches!(refused, LoadError::Compile { message } if message == "no such thing"));
    let crashed = child_host("kill -SEGV $$", Limits::default());
    let crashed = crashed.load(&guest("", "")).await.expect_err("crashed");
    assert!(matches!(crashed, LoadError::Compile { message } if message.contains("signal")));
    let nonsense = child_host("cat", Limits::default());
    let nonsense = nonsense.load(&guest("", "")).await.expect_err("nonsense");
    assert!(matches!(nonsense, LoadError::Compile { .. }));
}

#[tokio::test]
async fn a_compiler_that_is_not_there_is_named() {
    let compiler = Compiler::Child { program: "/nowhere/runner".into(), args: Vec::new() };
    let host = Host::new(HostConfig {
        limits: Limits::default(),
        data: DataConfig::default(),
        cache: None,
        compiler,
    })
    .expect("a host");
    let refused = host.load(&guest("", "")).await.expect_err("no compiler");
    assert_eq!(refused.to_string(), "the compiler `/nowhere/runner` could not be run");
}
