//! Guests for tests.

use std::path::Path;
use std::sync::LazyLock;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::host::INTERFACE_VERSION;
use crate::source::Toolchain;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The crate `tests/guests/probe`, built once a test process.
pub(super) fn probe() -> &'static [u8] {
    static PROBE: LazyLock<Vec<u8>> = LazyLock::new(build_probe);
    &PROBE
}

fn build_probe() -> Vec<u8> {
    let root = Path::new(ROOT);
    let toolchain = Toolchain::find().expect("a compiler for guests");
    encode(&toolchain.build_module(root, "probe", &root.join("target/guests")).expect("the probe builds"))
}

fn encode(module: &[u8]) -> Vec<u8> {
    ComponentEncoder::default().module(module).and_then(|encoder| encoder.encode()).expect("encodes")
}

/// The interface as one text, changed by the test.
pub(super) fn interface(change: impl Fn(String) -> String) -> String {
    let mut text = String::from("package runner:migration@0.1.1;\n");
    for file in ["types", "sql", "host", "world"] {
        let path = format!("{ROOT}/wit/0.1.1/{file}.wit");
        let file = std::fs::read_to_string(path).expect("reads");
        text.push_str(file.split_once(';').expect("a package").1);
    }
    change(text)
}

/// A guest whose `upgrade` runs `body` and then returns ok. `items` are further
/// items of the module; `$lent` is the transaction.
pub(super) fn guest(items: &str, body: &str) -> Vec<u8> {
    guest_of(&interface(|text| text), INTERFACE_VERSION, items, body)
}

/// A guest of another interface.
pub(super) fn guest_of(interface: &str, version: &str, items: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "runner:migration/sql@{version}" "[resource-drop]transaction" (func $drop (param i32)))
            (import "runner:migration/sql@{version}" "[method]transaction.savepoint"
                (func $savepoint (param i32 i32)))
            (import "runner:migration/sql@{version}" "[resource-drop]savepoint" (func $drop-savepoint (param i32)))
            (import "runner:migration/host@{version}" "log" (func $log (param i32 i32 i32)))
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 2048)
            {items}
            (func (export "runner:migration/migration@{version}#describe") (result i32) unreachable)
            (func (export "runner:migration/migration@{version}#upgrade") (param $lent i32) (result i32)
                {body}
                (call $drop (local.get $lent))
                i32.const 1024)
            (func (export "runner:migration/migration@{version}#downgrade") (param i32) (result i32) unreachable))"#
    );
    let mut module = wat::parse_str(&text).expect("parses");
    let mut resolve = Resolve::default();
    let package = resolve.push_str("interface.wit", interface).expect("parses");
    let world = resolve.select_world(&[package], Some("plugin")).expect("a world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("embeds");
    encode(&module)
}

/// Appends `count` instances of an empty module to a component.
pub(super) fn with_instances(mut component: Vec<u8>, count: u32) -> Vec<u8> {
    let modules = wasmparser::Parser::new(0)
        .parse_all(&component)
        .scan(0, |depth, payload| {
            match payload.expect("valid") {
                wasmparser::Payload::Version { .. } => *depth += 1,
                wasmparser::Payload::End(_) => *depth -= 1,
                wasmparser::Payload::ModuleSection { .. } => return Some(u32::from(*depth == 1)),
                _ => {}
            }
            Some(0)
        })
        .sum::<u32>();
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
    section(&mut component, 1, EMPTY);
    let mut instances = leb(count);
    for _ in 0..count {
        instances.push(0);
        instances.extend(leb(modules));
        instances.push(0);
    }
    section(&mut component, 2, &instances);
    component
}

fn section(component: &mut Vec<u8>, id: u8, content: &[u8]) {
    component.push(id);
    component.extend(leb(u32::try_from(content.len()).expect("short")));
    component.extend(content);
}

fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7F).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
