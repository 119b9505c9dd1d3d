//! Changing data in bulk, on a real server.

mod ahead;
