//! The parameters of a migration: what `#[derive(Params)]` implements.
//!
//! The runner checks the manifest's `[params]` against the schema before
//! anything runs, so that a parameter of the wrong kind is found in the plan and
//! not in the middle of a migration. Reading them checks again, because a
//! default or a nested object may have come from elsewhere.

mod object;
mod param_type;

pub use object::{Object, ParamError, Property};
pub use param_type::{ParamType, Params, load};
