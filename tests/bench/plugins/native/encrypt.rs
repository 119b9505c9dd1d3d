//! What `encrypt-column` does, both ways.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tokio_postgres::types::Type;

use super::super::support::execute;
use super::peer::{Change, Field};

/// The key, and its name in front of each value.
const KEY: [u8; 32] = [0x11; 32];
const HEADER: &str = "enc1:bench:";

const CHANGE: Change<'_> = Change {
    begin: "
        LOCK TABLE public.patients IN SHARE ROW EXCLUSIVE MODE;
        CREATE TEMPORARY TABLE changed (id bigint NOT NULL, diagnosis text) ON COMMIT DROP",
    select: "SELECT id, diagnosis FROM public.patients WHERE diagnosis IS NOT NULL",
    copy: "COPY changed FROM STDIN (FORMAT binary)",
    types: &[Type::INT8, Type::TEXT],
    end: "
        UPDATE public.patients SET diagnosis = changed.diagnosis FROM changed WHERE changed.id = patients.id",
};

/// Encrypts `public.patients.diagnosis`.
pub fn encrypt_column(url: &str) {
    let cipher = Aes256Gcm::new(&KEY.into());
    CHANGE.run(url, None, |row, _| {
        let nonce: [u8; 12] = rand::random();
        let payload = Payload { msg: row.get::<_, &str>(1).as_bytes(), aad: HEADER.as_bytes() };
        let sealed = cipher.encrypt(&Nonce::from(nonce), payload).expect("it is short");
        let mut text = HEADER.to_owned();
        STANDARD.encode_string([&nonce[..], &sealed].concat(), &mut text);
        Some([Field::Int8(row.get(0)), Field::text(text)])
    });
}

/// Decrypts it again.
pub fn decrypt_column(url: &str) {
    let cipher = Aes256Gcm::new(&KEY.into());
    CHANGE.run(url, None, |row, _| Some([Field::Int8(row.get(0)), Field::text(open(&cipher, row.get(1)))]));
}

/// One value for all rows of `public.patients`, decrypted.
pub fn decrypted(url: &str) -> String {
    let cipher = Aes256Gcm::new(&KEY.into());
    let rows = execute(url, "SELECT diagnosis, id, name FROM public.patients ORDER BY id").expect("reads");
    let mut digest = Sha256::new();
    for row in &rows {
        let (text, rest) = row.split_once('|').expect("three columns");
        let plain = if text.is_empty() { String::new() } else { open(&cipher, text) };
        digest.update(format!("{plain}|{rest}\n"));
    }
    format!("{} {:?}", rows.len(), digest.finalize())
}

fn open(cipher: &Aes256Gcm, text: &str) -> String {
    let body = text.strip_prefix(HEADER).expect("it is encrypted");
    let body = STANDARD.decode(body).expect("it is base64");
    let (nonce, sealed) = body.split_first_chunk::<12>().expect("a nonce");
    let payload = Payload { msg: sealed, aad: HEADER.as_bytes() };
    let plain = cipher.decrypt(&Nonce::from(*nonce), payload).expect("decrypts");
    String::from_utf8(plain).expect("it is text")
}
