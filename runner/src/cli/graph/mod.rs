//! The revision graph as text, SVG, Mermaid and DOT.
//!
//! Pure: a [`Drawing`] in, a text out. Nothing here prints, reads a file or asks
//! a database; the command `graph` does.

mod dot;
mod layout;
mod look;
mod mermaid;
mod model;
mod simplify;
mod svg;
mod text;

#[cfg(test)]
mod tests;

pub use dot::dot;
pub use mermaid::mermaid;
pub use model::{Drawing, Node};
pub use simplify::{Simplified, simplify};
pub use svg::svg;
pub use text::text;
