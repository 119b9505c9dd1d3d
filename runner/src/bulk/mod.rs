//! Bulk changes of whole tables: the statements that the host sends for the
//! writers that do more than append.
//!
//! Knows sessions, and nothing of components or of policy: who may write what is
//! decided before anything here is called.

pub mod rewrite;
