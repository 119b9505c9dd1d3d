//! What a step did to the database, compared with what its manifest grants.
//!
//! Names in statements lie; effects do not. [`joins`] looks, before the first
//! statement, for what joins declared tables with others; [`effects`] reads,
//! after the last one and before the ledger's row, which tables were written and
//! which objects were created, changed or dropped, whatever statement, trigger,
//! foreign key, rule or function did it. An [`Effect`] that nothing grants must
//! stop the step.
//!
//! All text that is sent is ours, fully qualified, and holds no name or pattern
//! of the migration: grants are matched here, after the candidates were read.
//!
//! What it does not see: values of sequences that were drawn and belong to
//! declared tables; roles, user mappings and subscriptions in detail (only that
//! rows of those catalogs were written); what was read, but for views.

mod catalog;
mod cause;
mod change;
mod declared;
mod effect;
mod error;
mod granted;
mod joins;
mod judge;
mod judge_relation;
mod name;
mod sql;
mod standing;
mod words;
mod written;

pub use effect::{Effect, EffectKind};
pub use error::AuditError;
pub use granted::{Missing, missing};
pub use joins::{Join, joins};
pub use written::{Before, before, effects};
