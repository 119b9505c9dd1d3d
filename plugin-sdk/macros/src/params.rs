//! `#[derive(Params)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, Field, Fields, Ident, Lit, Type};

use crate::attributes::{Attributes, DefaultValue, doc_text, first_paragraph, labels};
use crate::names::Case;

pub fn derive(input: &DeriveInput) -> syn::Result<TokenStream> {
    if let Some(parameter) = input.generics.params.first() {
        let message = "the parameters of a migration cannot be generic";
        return Err(syn::Error::new_spanned(parameter, message));
    }
    match &input.data {
        Data::Enum(_) => derive_enum(input),
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => {
                let fields = fields.named.iter().map(ParamField::new).collect::<Result<Vec<_>, _>>()?;
                Ok(derive_struct(input, &fields, &named_constructor(&fields)))
            }
            Fields::Unit => Ok(derive_struct(input, &[], &quote!(Self))),
            Fields::Unnamed(fields) => {
                let message = "parameters have names: give this struct named fields, or none";
                Err(syn::Error::new_spanned(fields, message))
            }
        },
        Data::Union(_) => Err(syn::Error::new(input.ident.span(), "expected a struct or an enum")),
    }
}

/// What the code needs to know about one field.
struct ParamField<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    name: String,
    description: String,
    default: Option<TokenStream>,
}

impl<'a> ParamField<'a> {
    fn new(field: &'a Field) -> syn::Result<Self> {
        let ident = field.ident.as_ref().expect("a named field has a name");
        let ty = &field.ty;
        let attributes = Attributes::read(&field.attrs, "param", &["default", "rename"])?;
        let name = attributes
            .rename
            .map_or_else(|| ident.to_string().trim_start_matches("r#").to_owned(), |name| name.value());
        let default = attributes.default.map(|default| default_value(&default, ty));
        Ok(Self { ident, ty, name, description: doc_text(&field.attrs), default })
    }

    fn property(&self) -> TokenStream {
        let Self { ty, name, description, default, .. } = self;
        let property = quote!(::plugin_sdk::__private::Property::new::<#ty>(#name, #description));
        match default {
            None => property,
            Some(default) => quote!(#property.with_default::<#ty>(&(#default))),
        }
    }

    fn read(&self) -> TokenStream {
        let Self { ident, ty, name, default, .. } = self;
        match default {
            None => quote!(#ident: object.field::<#ty>(#name)?),
            Some(default) => quote!(#ident: object.field_or::<#ty>(#name, || #default)?),
        }
    }
}

fn default_value(default: &DefaultValue, ty: &Type) -> TokenStream {
    match default {
        DefaultValue::OfType => quote!(<#ty as ::core::default::Default>::default()),
        DefaultValue::Value(value) => match &**value {
            // Text in the attribute is a `&str`, the field a `String`.
            Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
                quote!(<#ty as ::core::convert::From<&str>>::from(#literal))
            }
            value => quote!({ let value: #ty = #value; value }),
        },
    }
}

fn named_constructor(fields: &[ParamField<'_>]) -> TokenStream {
    let reads = fields.iter().map(ParamField::read);
    quote!(Self { #(#reads),* })
}

fn derive_struct(input: &DeriveInput, fields: &[ParamField<'_>], constructor: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let summary = first_paragraph(&input.attrs);
    let description = doc_text(&input.attrs);
    let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
    let idents = fields.iter().map(|field| field.ident);
    let types = fields.iter().map(|field| field.ty);
    let properties = fields.iter().map(ParamField::property);
    quote! {
        impl ::plugin_sdk::Params for #ident {
            fn summary() -> &'static str {
                #summary
            }

            fn schema() -> ::std::string::String {
                ::plugin_sdk::__private::Property::document(
                    <Self as ::plugin_sdk::ParamType>::schema(),
                )
            }

            fn load() -> ::plugin_sdk::Result<Self> {
                ::plugin_sdk::__private::load::<Self>()
            }
        }

        impl ::plugin_sdk::ParamType for #ident {
            fn schema() -> ::plugin_sdk::serde_json::Value {
                ::plugin_sdk::__private::Property::object(
                    ::std::vec![#(#properties),*],
                    #description,
                )
            }

            fn from_json(
                value: &::plugin_sdk::serde_json::Value,
            ) -> ::core::result::Result<Self, ::plugin_sdk::ParamError> {
                let object = ::plugin_sdk::__private::Object::new(value, &[#(#names),*])?;
                let _ = &object;
                ::core::result::Result::Ok(#constructor)
            }

            fn to_json(&self) -> ::plugin_sdk::serde_json::Value {
                let mut object = ::plugin_sdk::serde_json::Map::new();
                #(object.insert(
                    #names.into(),
                    <#types as ::plugin_sdk::ParamType>::to_json(&self.#idents),
                );)*
                object.into()
            }
        }
    }
}

fn derive_enum(input: &DeriveInput) -> syn::Result<TokenStream> {
    let ident = &input.ident;
    let description = doc_text(&input.attrs);
    let (variants, labels): (Vec<_>, Vec<_>) = labels(input, "param", Case::Kebab)?.into_iter().unzip();
    let expected = format!("one of `{}`", labels.join("`, `"));
    Ok(quote! {
        impl ::plugin_sdk::ParamType for #ident {
            fn schema() -> ::plugin_sdk::serde_json::Value {
                ::plugin_sdk::__private::Property::choice(&[#(#labels),*], #description)
            }

            fn from_json(
                value: &::plugin_sdk::serde_json::Value,
            ) -> ::core::result::Result<Self, ::plugin_sdk::ParamError> {
                match value.as_str() {
                    #(::core::option::Option::Some(#labels) => ::core::result::Result::Ok(Self::#variants),)*
                    _ => ::core::result::Result::Err(
                        ::plugin_sdk::ParamError::expected(#expected, value),
                    ),
                }
            }

            fn to_json(&self) -> ::plugin_sdk::serde_json::Value {
                ::plugin_sdk::serde_json::Value::from(match self {
                    #(Self::#variants => #labels,)*
                })
            }
        }
    })
}
