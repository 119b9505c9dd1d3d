//! A released version of the interface is never edited.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// What the files of each released version are. A new version is a new folder
/// and a new line here; the lines that are there stay as they are.
const RELEASED: [(&str, &str); 2] = [
    ("0.1.0", "186e294927eeeca25db792d039c8b954aa8258c8bbb096e76756a043295ffa75"),
    ("0.1.1", "56d910824223aa37b1b3ca03694537d07ab678e9d66cbec5a401d0d067472dfd"),
];

#[test]
fn released_interfaces_are_frozen() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let mut found: Vec<_> = std::fs::read_dir(&wit).expect("the folder exists").flatten().collect();
    found.sort_by_key(std::fs::DirEntry::file_name);
    let names: Vec<_> = found.iter().map(|entry| entry.file_name().into_string().expect("ASCII")).collect();
    assert_eq!(
        names,
        RELEASED.map(|(name, _)| name),
        "a version without a digest, or a digest without a version"
    );
    for (entry, (name, digest)) in found.iter().zip(RELEASED) {
        assert_eq!(digest_of(&entry.path()), digest, "wit/{name} was edited; make a new version instead");
    }
}

fn digest_of(folder: &Path) -> String {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(file.file_name().expect("a name").as_encoded_bytes());
        hasher.update(std::fs::read(&file).expect("a file"));
    }
    hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}
