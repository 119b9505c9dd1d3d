//! How much of what the server remarks is passed on.

/// How many notices of one step are passed to the log.
const MOST_NOTICES: u32 = 1_000;
/// How large the notices of one step may be together, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// What becomes of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Admitted {
    /// It is logged.
    Yes,
    /// It is not, and it is the first one: that is said instead.
    Exhausted,
    /// It is not, like the one before it.
    No,
}

/// What is left of a step's notices. A migration controls how many there are
/// and what they hold.
#[derive(Debug)]
pub(super) struct Notices {
    count: u32,
    bytes: usize,
    exhausted: bool,
}

impl Default for Notices {
    fn default() -> Self {
        Self { count: MOST_NOTICES, bytes: MOST_BYTES, exhausted: false }
    }
}

impl Notices {
    /// Takes a notice of so many bytes into account. Once one did not fit, none
    /// does: what follows would make no sense without it.
    pub(super) fn admit(&mut self, bytes: usize) -> Admitted {
        let left = (self.count.checked_sub(1), self.bytes.checked_sub(bytes));
        match left {
            _ if self.exhausted => Admitted::No,
            (Some(count), Some(bytes)) => {
                (self.count, self.bytes) = (count, bytes);
                Admitted::Yes
            }
            _ => {
                self.exhausted = true;
                Admitted::Exhausted
            }
        }
    }
}
