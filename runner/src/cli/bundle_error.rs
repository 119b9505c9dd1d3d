//! What a user is told where a bundle cannot be used.

use runner::source::{BundleError, BundleFault};

pub fn bundle_hint(error: &BundleError) -> Option<&'static str> {
    Some(match &error.fault {
        BundleFault::Folders { .. } => {
            "A bundle has one set of migrations: make one with `runner -n NAME bundle`."
        }
        BundleFault::Kind { .. } | BundleFault::LayoutVersion(_) | BundleFault::Settings { .. } => {
            "Use a runner that is as new as the one that made it, or make it anew with `runner bundle`."
        }
        BundleFault::NotAnArchive | BundleFault::NotABundle(_) => "Make one with `runner bundle`.",
        BundleFault::Unreadable(_)
        | BundleFault::Unwritable(_)
        | BundleFault::Name(_)
        | BundleFault::NotBuilt(_) => {
            return None;
        }
        _ => {
            "Nothing was done with it. Copy it again from where it was made, or make it anew with `runner bundle`."
        }
    })
}
