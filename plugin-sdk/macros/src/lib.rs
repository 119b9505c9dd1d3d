//! Derive macros of `plugin-sdk`, which re-exports and documents them. They are
//! of no use without it.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod attributes;
mod names;
mod newtype;
mod params;
mod pg_enum;
mod row;

/// Describes and reads the parameters of a migration.
///
/// On a struct with named fields, or on a unit struct for none. The doc comment
/// of the struct becomes the migration's summary, those of the fields their
/// descriptions. An enum without fields becomes a choice of strings, and with a
/// struct may be the type of another struct's field.
///
/// | attribute of a field | meaning |
/// |---|---|
/// | `#[param(default = 5000)]` | the value of a parameter that is not set |
/// | `#[param(default)]` | the type's `Default` for one |
/// | `#[param(rename = "batch-size")]` | the name in the manifest |
///
/// An enum takes `#[param(rename_all = "…")]` (kebab-case unless set), a variant
/// `#[param(rename = "…")]`.
#[proc_macro_derive(Params, attributes(param))]
pub fn derive_params(input: TokenStream) -> TokenStream {
    expand(params::derive, parse_macro_input!(input))
}

/// Reads rows into a struct, by the names of the columns.
///
/// `#[row(rename = "…")]` on a field names a column that is called otherwise. A
/// struct with a lifetime borrows `&'a str` and `&'a [u8]` from the batch.
#[proc_macro_derive(FromRow, attributes(row))]
pub fn derive_from_row(input: TokenStream) -> TokenStream {
    expand(row::derive_from_row, parse_macro_input!(input))
}

/// Writes rows from a struct, by the names of the columns.
///
/// `#[row(rename = "…")]` on a field names a column that is called otherwise.
#[proc_macro_derive(ToRow, attributes(row))]
pub fn derive_to_row(input: TokenStream) -> TokenStream {
    expand(row::derive_to_row, parse_macro_input!(input))
}

/// Makes an enum without fields stand for an enum of the database.
///
/// The labels are the variants' names in snake_case;
/// `#[pg(rename_all = "kebab-case")]` on the enum and `#[pg(rename = "…")]` on a
/// variant say otherwise.
#[proc_macro_derive(PgEnum, attributes(pg))]
pub fn derive_pg_enum(input: TokenStream) -> TokenStream {
    expand(pg_enum::derive, parse_macro_input!(input))
}

/// Makes a tuple struct of one field stand for the same type of the database as
/// its field.
#[proc_macro_derive(PgNewtype)]
pub fn derive_pg_newtype(input: TokenStream) -> TokenStream {
    expand(newtype::derive, parse_macro_input!(input))
}

fn expand(
    derive: impl FnOnce(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
    input: DeriveInput,
) -> TokenStream {
    derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
