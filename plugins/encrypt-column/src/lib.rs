//! Encrypts the values of a column with AES-256-GCM, changes their key, and
//! decrypts them again.
//!
//! No message holds a value or a part of one: an error names the row by its
//! number and key, and says what is wrong in words of its own.

mod column;
mod envelope;
mod key;
mod nonces;
#[cfg(test)]
mod tests;

use plugin_kit::{DEPENDENT_CATALOGS, TableName, ident};
use plugin_sdk::prelude::*;

use column::{Encoding, check};
use envelope::{Envelope, open, seal};
use key::Key;
use nonces::Nonces;

/// Encrypts the values of a column with AES-256-GCM, or encrypts them with
/// another key.
#[derive(Params)]
pub struct EncryptColumn {
    /// The table, as `schema.table`. It needs a primary key.
    table: String,
    /// The column, of type text or bytea. Its type stays as it is.
    column: String,
    /// The key: 32 bytes, as 64 hexadecimal digits or as base64. Name a secret
    /// here, and not the key itself.
    key: String,
    /// The name of the key, which is stored with each value: 1 to 64 letters,
    /// digits, `.`, `_` and `-`.
    key_id: String,
    /// For a change of keys: the key that the values are encrypted with until now.
    old_key: Option<String>,
    /// For a change of keys: the name of that key.
    old_key_id: Option<String>,
}

plugin_sdk::export!(EncryptColumn);

impl Migration for EncryptColumn {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let (new, old) = (self.new_key()?, self.old_key()?);
        self.convert(tx, old.as_ref(), Some(&new))
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        let (new, old) = (self.new_key()?, self.old_key()?);
        self.convert(tx, Some(&new), old.as_ref())
    }

    fn capabilities() -> Vec<Capability> {
        vec![
            Capability::new("read", ["${table}"], "reads the values"),
            Capability::new("write", ["${table}"], "writes the encrypted values"),
            Capability::new("lock", ["${table}"], "keeps others from writing meanwhile"),
            Capability::new("read", DEPENDENT_CATALOGS, "looks for what an encrypted column would break"),
            Capability::new("secrets", ["key"], "is given the key"),
            Capability::new("random", [""; 0], "a random nonce for each value"),
        ]
    }
}

impl EncryptColumn {
    fn new_key(&self) -> Result<Key> {
        Key::new(&self.key_id, &self.key).context("the parameters `key` and `key_id`")
    }

    fn old_key(&self) -> Result<Option<Key>> {
        match (&self.old_key, &self.old_key_id) {
            (None, None) => Ok(None),
            (Some(_), Some(id)) if *id == self.key_id => {
                bail!("`key_id` and `old_key_id` are both `{id}`: a new key needs a name of its own")
            }
            (Some(key), Some(id)) => {
                Key::new(id, key).map(Some).context("the parameters `old_key` and `old_key_id`")
            }
            _ => bail!("`old_key` and `old_key_id` belong together: give both of them, or none"),
        }
    }

    /// Gives each value that is encrypted with `from`, or with nothing, to `to`, or
    /// to nothing.
    fn convert(&self, tx: &Transaction, from: Option<&Key>, to: Option<&Key>) -> Result<()> {
        let target = TableName::parse(&self.table).context("the parameter `table`")?;
        let encoding = check(tx, &target, &self.column)?;
        let table = target.sql();
        let mut change = Change { from, to, nonces: Nonces::default(), kept: 0 };
        let filter = format!("{} is not null", ident(&self.column));
        let changed = match encoding {
            Encoding::Text => tx
                .transform::<(String,), (String,)>(&table)
                .columns(&self.column, &self.column)
                .filter(&filter, &[])
                .filter_map(|(value,)| Ok(change.text(value).in_column(&self.column)?.map(|value| (value,)))),
            Encoding::Bytes => tx
                .transform::<(Vec<u8>,), (Vec<u8>,)>(&table)
                .columns(&self.column, &self.column)
                .filter(&filter, &[])
                .filter_map(|(value,)| {
                    Ok(change.bytes(value).in_column(&self.column)?.map(|value| (value,)))
                }),
        };
        let rows = changed?.updated;
        let name =
            |key: Option<&Key>| key.map_or("no key".to_owned(), |key| format!("the key `{}`", key.id()));
        info!("{}.{}: {rows} values from {} to {}", self.table, self.column, name(from), name(to));
        if change.kept > 0 {
            info!("left as they are, since they had {} already: {} values", name(to), change.kept);
        }
        Ok(())
    }
}

/// What becomes of the values.
struct Change<'a> {
    from: Option<&'a Key>,
    to: Option<&'a Key>,
    nonces: Nonces,
    /// Values that had the new key already.
    kept: u64,
}

impl Change<'_> {
    /// The new value of a text; none where it stays.
    fn text(&mut self, value: &str) -> Result<Option<String>> {
        let plain = match self.plain(Envelope::of_text(value)?, value.as_bytes())? {
            None => return Ok(None),
            Some(plain) => plain,
        };
        match self.to {
            Some(key) => Ok(Some(seal(key, self.nonces.next()?, &plain)?.into_text())),
            None => String::from_utf8(plain)
                .map(Some)
                .map_err(|_| Error::message("the decrypted value is no text")),
        }
    }

    /// The new value of bytes; none where it stays.
    fn bytes(&mut self, value: &[u8]) -> Result<Option<Vec<u8>>> {
        let plain = match self.plain(Envelope::of_bytes(value)?, value)? {
            None => return Ok(None),
            Some(plain) => plain,
        };
        match self.to {
            Some(key) => Ok(Some(seal(key, self.nonces.next()?, &plain)?.into_bytes())),
            None => Ok(Some(plain)),
        }
    }

    /// What is in a value; none where it has the new key already.
    fn plain(&mut self, envelope: Option<Envelope>, value: &[u8]) -> Result<Option<Vec<u8>>> {
        match (envelope, self.from, self.to) {
            (None, None, _) => Ok(Some(value.to_vec())),
            (Some(_), None, _) => bail!("the value is encrypted already: is `old_key` missing?"),
            (None, Some(_), _) => bail!("the value is not encrypted"),
            (Some(envelope), Some(from), _) if envelope.is_of(from) => open(from, &envelope).map(Some),
            (Some(envelope), Some(_), Some(to)) if envelope.is_of(to) => {
                self.kept += 1;
                Ok(None)
            }
            (Some(_), Some(from), _) => bail!("the value is encrypted with another key than `{}`", from.id()),
        }
    }
}
