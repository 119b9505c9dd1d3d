//! What would tell a secret, in every way that there is.

use crate::bindings::runner::migration::sql::Transaction;
use crate::bindings::runner::migration::types::{Error, Failure, Value};
use crate::{param, say, sql};

/// None if it is no kind of this module. The secret is the parameter `key`.
pub fn run(kind: &str, tx: &Transaction) -> Option<Result<(), Failure>> {
    let how = kind.strip_prefix("leak-")?;
    let key = param("key");
    let literal = format!("'{}'", key.replace('\'', "''"));
    Some(match how {
        "log" => {
            say(format!("the key is {key}"));
            Ok(())
        }
        "message" => Err(Failure::Message(format!("no use for {key}"))),
        "irreversible" => Err(Failure::Irreversible(Some(key))),
        "own-error" => Err(Failure::Sql(Error::Other((key.clone(), format!("about {key}"))))),
        "panic" => panic!("{key}"),
        "statement" => tx.script(&format!("SELECT\n  {literal}::int")).map_err(sql),
        // The server says it again, in the log.
        "notice" => {
            let raise = format!("RAISE NOTICE USING MESSAGE = {literal}");
            tx.script(&format!("DO $body$ BEGIN {raise}; END $body$")).map_err(sql)
        }
        "syntax" => tx.script(&format!("SELECT 1 {literal}")).map_err(sql),
        "parameter" => {
            let value = Value::Literal(key);
            tx.execute("SELECT $1::int", &[value]).map(drop).map_err(sql)
        }
        "conversion" => {
            let value = Value::Text(key);
            tx.execute("SELECT $1::int", &[value]).map(drop).map_err(sql)
        }
        // The error tells the row: now, or when the transaction is settled.
        "row" | "deferred" => {
            let insert = format!("INSERT INTO public.keys VALUES ({literal}), ({literal})");
            tx.script(&insert).map_err(sql)
        }
        other => Err(Failure::Message(format!("the probe knows no `leak-{other}`"))),
    })
}
