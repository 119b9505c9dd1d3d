//! `#[derive(FromRow)]` and `#[derive(ToRow)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Field, Fields, GenericParam, Ident, Lifetime, LifetimeParam, Type};

use crate::attributes::Attributes;

pub fn derive_from_row(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = row_fields(input)?;
    let (ident, name) = (&input.ident, input.ident.to_string());
    let lifetime = batch_lifetime(input)?;
    let mut generics = input.generics.clone();
    if generics.lifetimes().next().is_none() {
        generics.params.insert(0, GenericParam::Lifetime(LifetimeParam::new(lifetime.clone())));
    }
    let (impl_generics, ..) = generics.split_for_impl();
    let (_, type_generics, where_clause) = input.generics.split_for_impl();
    let specs = fields.iter().map(|field| field.spec(&quote!(read)));
    let idents = fields.iter().map(|field| field.ident);
    let types = fields.iter().map(|field| field.ty);
    let numbers = 0..fields.len();
    let family = read_family(input);
    Ok(quote! {
        #family

        impl #impl_generics ::plugin_sdk::FromRow<#lifetime> for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;

            fn fields() -> ::std::vec::Vec<::plugin_sdk::FieldSpec> {
                ::std::vec![#(#specs),*]
            }

            #[inline]
            fn from_row(
                row: &::plugin_sdk::RowView<'_, #lifetime>,
            ) -> ::plugin_sdk::Result<Self> {
                ::core::result::Result::Ok(Self { #(#idents: row.field::<#types>(#numbers)?),* })
            }
        }
    })
}

pub fn derive_to_row(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = row_fields(input)?;
    let (ident, name) = (&input.ident, input.ident.to_string());
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let specs = fields.iter().map(|field| field.spec(&quote!(write)));
    let idents = fields.iter().map(|field| field.ident);
    let numbers = 0..fields.len();
    let family = write_family(input);
    Ok(quote! {
        #family

        impl #impl_generics ::plugin_sdk::ToRow for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;

            fn fields() -> ::std::vec::Vec<::plugin_sdk::FieldSpec> {
                ::std::vec![#(#specs),*]
            }

            #[inline]
            fn write_field(
                &self,
                number: usize,
                ty: ::plugin_sdk::PgType<'_>,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::plugin_sdk::Result<()> {
                match number {
                    #(#numbers => ::plugin_sdk::__private::write_value(&self.#idents, ty, out),)*
                    _ => ::core::unreachable!("a plan has the numbers of fields only"),
                }
            }
        }
    })
}

/// The code by which a struct can be named without the lifetime of its batch.
fn read_family(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let of = with_row_lifetime(input);
    let is_owned = input.generics.lifetimes().next().is_none();
    let owned = is_owned.then(
        || quote!(impl #impl_generics ::plugin_sdk::OwnedRow for #ident #type_generics #where_clause {}),
    );
    quote! {
        #owned

        impl #impl_generics ::plugin_sdk::ReadRow for #ident #type_generics #where_clause {
            type Of<'plugin_sdk_row> = #of;

            #[inline]
            fn shorten<'plugin_sdk_short, 'plugin_sdk_row: 'plugin_sdk_short>(
                row: &'plugin_sdk_short Self::Of<'plugin_sdk_row>,
            ) -> &'plugin_sdk_short Self::Of<'plugin_sdk_short> {
                row
            }
        }
    }
}

/// The same for a struct that is written.
fn write_family(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let of = with_row_lifetime(input);
    quote! {
        impl #impl_generics ::plugin_sdk::WriteRow for #ident #type_generics #where_clause {
            type Of<'plugin_sdk_row> = #of;
        }
    }
}

/// The struct's type, its lifetimes replaced by that of a row.
fn with_row_lifetime(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let arguments = input.generics.params.iter().map(|parameter| match parameter {
        GenericParam::Lifetime(_) => quote!('plugin_sdk_row),
        GenericParam::Type(parameter) => parameter.ident.to_token_stream(),
        GenericParam::Const(parameter) => parameter.ident.to_token_stream(),
    });
    quote!(#ident<#(#arguments),*>)
}

struct RowField<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    name: String,
    column: String,
}

impl RowField<'_> {
    /// The code that describes the field, to read or to write it.
    fn spec(&self, direction: &TokenStream) -> TokenStream {
        let Self { ty, name, column, .. } = self;
        // Tokens are printed with spaces that nobody writes.
        let rust = ty.to_token_stream().to_string().replace(' ', "");
        quote! {
            ::plugin_sdk::FieldSpec::#direction::<#ty>(
                #name,
                ::core::option::Option::Some(#column),
                #rust,
            )
        }
    }
}

fn row_fields(input: &DeriveInput) -> syn::Result<Vec<RowField<'_>>> {
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Some(&fields.named),
            _ => None,
        },
        _ => None,
    };
    let named = named.ok_or_else(|| {
        let message = "a row is a struct with named fields; for the order of the columns use a tuple";
        syn::Error::new(input.ident.span(), message)
    })?;
    named.iter().map(row_field).collect()
}

fn row_field(field: &Field) -> syn::Result<RowField<'_>> {
    let ident = field.ident.as_ref().expect("a named field has a name");
    let name = ident.to_string().trim_start_matches("r#").to_owned();
    let rename = Attributes::read(&field.attrs, "row", &["rename"])?.rename;
    let column = rename.map_or_else(|| name.clone(), |column| column.value());
    Ok(RowField { ident, ty: &field.ty, name, column })
}

/// The lifetime of what the struct borrows from the batch, or a new one.
fn batch_lifetime(input: &DeriveInput) -> syn::Result<Lifetime> {
    let mut lifetimes = input.generics.lifetimes();
    let first = lifetimes.next();
    if let Some(second) = lifetimes.next() {
        let message = "a row borrows from one batch only: use one lifetime";
        return Err(syn::Error::new_spanned(second, message));
    }
    Ok(first.map_or_else(
        || Lifetime::new("'plugin_sdk_batch", Span::mixed_site()),
        |parameter| parameter.lifetime.clone(),
    ))
}
