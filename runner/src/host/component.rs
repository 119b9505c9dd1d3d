//! A component that is ready to run.

use std::fmt;
use std::sync::Arc;

use super::bindings::PluginPre;
use super::state::State;

/// A component that was checked, compiled and linked. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    inner: Arc<Inner>,
}

struct Inner {
    digest: [u8; 32],
    linked: PluginPre<State>,
}

impl Component {
    pub(super) fn new(digest: [u8; 32], linked: PluginPre<State>) -> Self {
        Self { inner: Arc::new(Inner { digest, linked }) }
    }

    /// The sha-256 of the component's bytes.
    pub fn digest(&self) -> &[u8; 32] {
        &self.inner.digest
    }

    pub(super) fn linked(&self) -> &PluginPre<State> {
        &self.inner.linked
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component").field("digest", &hex::encode(self.inner.digest)).finish_non_exhaustive()
    }
}
