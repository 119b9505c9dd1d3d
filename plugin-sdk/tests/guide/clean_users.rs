use plugin_sdk::prelude::*;

/// Splits the names of users, and writes their e-mail addresses in lower case.
#[derive(Params)]
pub struct CleanUsers;

#[derive(FromRow)]
struct User<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(ToRow)]
struct Clean<'a> {
    first_name: &'a str,
    last_name: &'a str,
    email: String,
}

fn clean<'a>(user: &User<'a>) -> Result<Clean<'a>> {
    let (first_name, last_name) =
        user.name.split_once(' ').context("there is no space").in_column("name")?;
    Ok(Clean { first_name, last_name, email: user.email.to_lowercase() })
}

impl Migration for CleanUsers {
    fn upgrade(&self, tx: &Transaction) -> Result<()> {
        let counts = tx.transform::<User, Clean>("public.users").map(clean)?;
        info!("{} users cleaned", counts.updated);
        Ok(())
    }

    fn downgrade(&self, tx: &Transaction) -> Result<()> {
        // The addresses stay as they are: nobody knows what they were.
        tx.execute("update public.users set first_name = null, last_name = null", &[])?;
        Ok(())
    }
}

plugin_sdk::export!(CleanUsers);

#[cfg(test)]
mod tests {
    use plugin_sdk::mock::Mock;
    use plugin_sdk::row;

    use super::*;

    const COLUMNS: [(&str, &str); 5] = [
        ("id", "bigint"), ("name", "text"), ("first_name", "text"), ("last_name", "text"), ("email", "text"),
    ];

    #[test]
    fn names_are_split_and_addresses_written_in_lower_case() {
        let mock = Mock::new();
        mock.table("public.users", &COLUMNS)
            .key("id")
            .rows([row![1_i64, "Ada Lovelace", Value::Null, Value::Null, "Ada@Example.org"]]);
        mock.upgrade(&CleanUsers).unwrap();
        assert_eq!(
            mock.written_values("public.users"),
            [row![1_i64, "Ada Lovelace", "Ada", "Lovelace", "ada@example.org"]],
        );
    }

    #[test]
    fn a_name_without_a_space_is_an_error() {
        let mock = Mock::new();
        mock.table("public.users", &COLUMNS)
            .key("id")
            .rows([row![7_i64, "Madonna", Value::Null, Value::Null, "m@example.org"]]);
        let error = mock.upgrade(&CleanUsers).unwrap_err().to_string();
        assert_eq!(error, "row 1 of public.users (id = 7), column name: there is no space");
    }
}
