//! What the derives read from attributes, doc comments and shapes.

use syn::{Attribute, Data, DeriveInput, Expr, Fields, Ident, Lit, LitStr, Meta, Token, Variant};

use crate::names::Case;

/// The attributes of one container, field or variant.
#[derive(Default)]
pub struct Attributes {
    pub rename: Option<LitStr>,
    pub rename_all: Option<Case>,
    pub default: Option<DefaultValue>,
}

/// What stands for a parameter that is not set.
pub enum DefaultValue {
    OfType,
    Value(Box<Expr>),
}

impl Attributes {
    /// Reads every attribute of that name; `allowed` are the keys it may have.
    pub fn read(attributes: &[Attribute], name: &str, allowed: &[&str]) -> syn::Result<Self> {
        let mut read = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
            attribute.parse_nested_meta(|meta| {
                let key = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
                if !allowed.contains(&key.as_str()) {
                    let known = allowed.join("`, `");
                    return Err(meta.error(format!("expected one of `{known}`")));
                }
                match key.as_str() {
                    "rename" => read.rename = Some(meta.value()?.parse()?),
                    "rename_all" => read.rename_all = Some(Case::parse(&meta.value()?.parse()?)?),
                    _ if meta.input.peek(Token![=]) => {
                        read.default = Some(DefaultValue::Value(Box::new(meta.value()?.parse()?)));
                    }
                    _ => read.default = Some(DefaultValue::OfType),
                }
                Ok(())
            })?;
        }
        Ok(read)
    }
}

/// The first paragraph of a doc comment, on one line.
pub fn first_paragraph(attributes: &[Attribute]) -> String {
    let lines = doc_lines(attributes);
    let paragraph = lines.iter().skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    paragraph.cloned().collect::<Vec<_>>().join(" ")
}

/// A whole doc comment, with its line ends.
pub fn doc_text(attributes: &[Attribute]) -> String {
    doc_lines(attributes).join("\n").trim().to_owned()
}

fn doc_lines(attributes: &[Attribute]) -> Vec<String> {
    let text = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let text: Vec<_> = attributes.iter().filter_map(text).collect();
    text.join("\n").lines().map(|line| line.trim().to_owned()).collect()
}

/// The variants of an enum, with the label of each.
pub fn labels(input: &DeriveInput, attribute: &str, default: Case) -> syn::Result<Vec<(Ident, String)>> {
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new(input.ident.span(), "expected an enum"));
    };
    let case = Attributes::read(&input.attrs, attribute, &["rename_all"])?.rename_all;
    let case = case.unwrap_or(default);
    let label = |variant: &Variant| {
        if !matches!(variant.fields, Fields::Unit) {
            let message = "a variant with fields cannot be one of a choice of labels";
            return Err(syn::Error::new_spanned(variant, message));
        }
        let rename = Attributes::read(&variant.attrs, attribute, &["rename"])?.rename;
        let label = rename.map_or_else(|| case.apply(&variant.ident.to_string()), |name| name.value());
        Ok((variant.ident.clone(), label))
    };
    data.variants.iter().map(label).collect()
}
