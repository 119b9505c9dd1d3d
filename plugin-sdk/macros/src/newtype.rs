//! `#[derive(PgNewtype)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, Type};

pub fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let ty = only_field(input)?;
    if let Some(parameter) = input.generics.params.first() {
        return Err(syn::Error::new_spanned(parameter, "a `PgNewtype` cannot be generic"));
    }
    let ident = &input.ident;
    let from_field = quote!(<#ty as ::plugin_sdk::FromField<'a>>);
    let to_field = quote!(<#ty as ::plugin_sdk::ToField>);
    Ok(quote! {
        impl<'a> ::plugin_sdk::FromField<'a> for #ident {
            fn reads(ty: ::plugin_sdk::PgType<'_>) -> bool {
                #from_field::reads(ty)
            }

            fn readable() -> ::std::string::String {
                #from_field::readable()
            }

            fn from_bytes(
                ty: ::plugin_sdk::PgType<'_>,
                bytes: &'a [u8],
            ) -> ::core::result::Result<Self, ::plugin_sdk::FieldError> {
                #from_field::from_bytes(ty, bytes).map(Self)
            }

            fn from_null() -> ::core::result::Result<Self, ::plugin_sdk::FieldError> {
                #from_field::from_null().map(Self)
            }
        }

        impl ::plugin_sdk::ToField for #ident {
            const OID: u32 = #to_field::OID;

            fn writes(ty: ::plugin_sdk::PgType<'_>) -> bool {
                #to_field::writes(ty)
            }

            fn writable() -> ::std::string::String {
                #to_field::writable()
            }

            fn is_null(&self) -> bool {
                #to_field::is_null(&self.0)
            }

            fn encode(
                &self,
                ty: ::plugin_sdk::PgType<'_>,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), ::plugin_sdk::FieldError> {
                #to_field::encode(&self.0, ty, out)
            }
        }

        impl ::plugin_sdk::ToValue for #ident {
            fn to_value(&self) -> ::plugin_sdk::Value {
                ::plugin_sdk::ToValue::to_value(&self.0)
            }
        }
    })
}

fn only_field(input: &DeriveInput) -> syn::Result<&Type> {
    if let Data::Struct(data) = &input.data
        && let Fields::Unnamed(fields) = &data.fields
        && let (1, Some(field)) = (fields.unnamed.len(), fields.unnamed.first())
    {
        return Ok(&field.ty);
    }
    let message = "expected a tuple struct of one field, as in `struct ListingId(i64);`";
    Err(syn::Error::new(input.ident.span(), message))
}
