//! What the compiler tells a newcomer whose types do not fit.
//!
//! After a change, `TRYBUILD=overwrite cargo test -p plugin-sdk --test
//! compile_errors` writes the messages anew; read them before they are kept.

#[test]
fn a_newcomer_is_told_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
