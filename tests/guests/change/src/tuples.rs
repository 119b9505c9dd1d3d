//! The change with tuples in the layout of COPY BINARY, taken apart and made by
//! hand: what it costs not to do that is the price of typed rows.

use plugin_sdk::prelude::*;

use crate::split::{lowercase, split_name};

const USERS: &str = "SELECT id, full_name, email FROM public.users";

/// Changes all users.
pub fn change(tx: &Transaction, batch_rows: u32) -> Result<()> {
    let writer = tx.update("public.users").key("id").columns(["first_name", "last_name", "email"]);
    // The writer takes the lock, so it comes before the rows are read.
    let mut writer = writer.lock_out_writers().writer()?;
    let mut reader = tx.reader(USERS, &[])?;
    let mut out = Vec::new();
    loop {
        let batch = reader.next_bytes(batch_rows, Reader::BATCH_BYTES)?;
        if batch.is_empty() {
            break;
        }
        let mut rest = &batch[..];
        while !rest.is_empty() {
            change_one(&mut rest, &mut out)?;
        }
        writer.write_bytes(&out)?;
        out.clear();
    }
    reader.close()?;
    writer.finish()?;
    Ok(())
}

fn change_one(rest: &mut &[u8], out: &mut Vec<u8>) -> Result<()> {
    let [id, Some(name), Some(email)] = next_tuple::<3>(rest)? else {
        bail!("`full_name` and `email` cannot be NULL");
    };
    let (first, last) = split_name(std::str::from_utf8(name)?);
    let email = lowercase(std::str::from_utf8(email)?);
    append(out, [id, Some(first.as_bytes()), last.map(str::as_bytes), Some(email.as_bytes())])
}

/// The fields of the next tuple; none for NULL.
fn next_tuple<'a, const FIELDS: usize>(rest: &mut &'a [u8]) -> Result<[Option<&'a [u8]>; FIELDS]> {
    let found = u16::from_be_bytes(take(rest)?);
    ensure!(usize::from(found) == FIELDS, "a tuple has {found} fields in place of {FIELDS}");
    let mut fields = [None; FIELDS];
    for field in &mut fields {
        // Below zero for NULL.
        if let Ok(length) = usize::try_from(i32::from_be_bytes(take(rest)?)) {
            let (bytes, behind) = rest.split_at_checked(length).context("a field ends behind its batch")?;
            (*field, *rest) = (Some(bytes), behind);
        }
    }
    Ok(fields)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (first, behind) = rest.split_first_chunk().context("a tuple ends behind its batch")?;
    *rest = behind;
    Ok(*first)
}

fn append<const FIELDS: usize>(out: &mut Vec<u8>, fields: [Option<&[u8]>; FIELDS]) -> Result<()> {
    out.extend_from_slice(&u16::try_from(FIELDS)?.to_be_bytes());
    for field in fields {
        match field {
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(bytes) => {
                out.extend_from_slice(&i32::try_from(bytes.len())?.to_be_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }
    Ok(())
}
