//! What of `runner.toml` goes into a bundle.

/// The keys of `[migrations]` that are about writing and building.
const OF_AUTHORS: [&str; 6] =
    ["target_dir", "components_dir", "file_template", "truncate_slug_length", "timezone", "templates"];

/// The settings of a project without what a deployment has of its own, which is
/// where its database is: that may hold a password; and without what is for
/// authors only.
pub(super) fn for_deployment(mut settings: toml::Table) -> toml::Table {
    strip(&mut settings);
    let named = settings.get_mut("named").and_then(toml::Value::as_table_mut);
    for section in named.into_iter().flat_map(|named| named.iter_mut().map(|(_, section)| section)) {
        if let Some(section) = section.as_table_mut() {
            strip(section);
        }
    }
    settings
}

fn strip(settings: &mut toml::Table) {
    settings.remove("hooks");
    // The components themselves are in the bundle.
    settings.remove("plugins");
    settings.remove("registry");
    let mut without = |table: &str, keys: &[&str]| {
        if let Some(table) = settings.get_mut(table).and_then(toml::Value::as_table_mut) {
            keys.iter().for_each(|key| {
                table.remove(*key);
            });
        }
    };
    without("database", &["url"]);
    without("migrations", &OF_AUTHORS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_not_told_where_the_author_s_database_is() {
        let text = "[database]\nurl = \"postgresql://me:hunter2@db/app\"\n[ledger]\nschema = \"x\"\n\
            [migrations]\ndir = \"m\"\ntemplates = \"t\"\n[[hooks]]\nname = \"f\"\ncommand = [\"f\"]\n\
            [named.b.database]\nurl = \"postgresql://me:hunter2@db/b\"\n[named.b.session]\nretries = 2\n";
        let kept = for_deployment(text.parse().expect("parses")).to_string();
        assert_eq!(
            kept,
            "[database]\n\n[ledger]\nschema = \"x\"\n\n[migrations]\ndir = \"m\"\n\n\
             [named.b.database]\n\n[named.b.session]\nretries = 2\n"
        );
    }
}
