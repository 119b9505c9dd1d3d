//! The template: text with `{column}` in it. Knows nothing of databases.

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that is the same in each row.
    Text(String),
    /// A column's value.
    Column(String),
}

/// Takes a template apart. `{{` and `}}` stand for the braces themselves.
///
/// # Errors
///
/// Says what is wrong, also where no column is named.
pub fn parse(template: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut text) = (Vec::new(), String::new());
    let mut rest = template.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '{' | '}' if rest.next_if_eq(&character).is_some() => text.push(character),
            '{' => {
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Column(column(&mut rest)?));
            }
            '}' => return Err("a `}` without a `{` before it; write `}}` for the character itself".into()),
            character => text.push(character),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    match parts.iter().any(|part| matches!(part, Part::Column(_))) {
        true => Ok(parts),
        false => Err("it names no column: write `{first_name} {last_name}`".into()),
    }
}

/// The name up to the closing brace.
fn column(rest: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut name = String::new();
    for character in rest {
        match character {
            '}' if name.is_empty() => return Err("`{}` names no column".into()),
            '}' => return Ok(name),
            '{' => return Err(format!("a `{{` in the name of a column: `{name}{{`")),
            character => name.push(character),
        }
    }
    Err(format!("`{{{name}` is not closed by a `}}`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.into())
    }

    fn column(name: &str) -> Part {
        Part::Column(name.into())
    }

    #[test]
    fn columns_and_text_take_turns() {
        assert_eq!(
            parse("{street} {number}, {City name}").unwrap(),
            [column("street"), text(" "), column("number"), text(", "), column("City name")]
        );
        assert_eq!(parse("{{{a}}}").unwrap(), [text("{"), column("a"), text("}")]);
        assert_eq!(parse("{a}{b}").unwrap(), [column("a"), column("b")]);
    }

    #[test]
    fn what_is_no_template_is_explained() {
        for (template, expected) in [
            ("", "it names no column"),
            ("{{a}}", "it names no column"),
            ("{}", "`{}` names no column"),
            ("{a", "`{a` is not closed"),
            ("a}", "without a `{`"),
            ("{a{b}}", "in the name of a column"),
        ] {
            let problem = parse(template).unwrap_err();
            assert!(problem.contains(expected), "{template}: {problem}");
        }
    }
}
