//! `#[derive(PgEnum)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::attributes::labels;
use crate::names::Case;

pub fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let (variants, labels): (Vec<_>, Vec<_>) = labels(input, "pg", Case::Snake)?.into_iter().unzip();
    let known = labels.join("`, `");
    Ok(quote! {
        impl #ident {
            /// The label of this value in the database.
            pub const fn label(&self) -> &'static str {
                match self {
                    #(Self::#variants => #labels,)*
                }
            }
        }

        impl ::plugin_sdk::FromField<'_> for #ident {
            fn reads(ty: ::plugin_sdk::PgType<'_>) -> bool {
                <::std::string::String as ::plugin_sdk::FromField<'_>>::reads(ty)
            }

            fn readable() -> ::std::string::String {
                "an enum or text".into()
            }

            fn from_bytes(
                _: ::plugin_sdk::PgType<'_>,
                bytes: &[u8],
            ) -> ::core::result::Result<Self, ::plugin_sdk::FieldError> {
                #(if bytes == #labels.as_bytes() {
                    return ::core::result::Result::Ok(Self::#variants);
                })*
                ::core::result::Result::Err(::plugin_sdk::FieldError::new(::std::format!(
                    "is `{}`, expected one of `{}`",
                    ::std::string::String::from_utf8_lossy(bytes),
                    #known,
                )))
            }
        }

        impl ::plugin_sdk::ToField for #ident {
            const OID: u32 = <str as ::plugin_sdk::ToField>::OID;

            fn writes(ty: ::plugin_sdk::PgType<'_>) -> bool {
                <str as ::plugin_sdk::ToField>::writes(ty)
            }

            fn writable() -> ::std::string::String {
                "an enum or text".into()
            }

            fn encode(
                &self,
                ty: ::plugin_sdk::PgType<'_>,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), ::plugin_sdk::FieldError> {
                ::plugin_sdk::ToField::encode(self.label(), ty, out)
            }
        }

        impl ::plugin_sdk::ToValue for #ident {
            fn to_value(&self) -> ::plugin_sdk::Value {
                ::plugin_sdk::ToValue::to_value(self.label())
            }
        }
    })
}
