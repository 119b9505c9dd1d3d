use plugin_sdk::mock::Mock;

use super::*;

fn plugin() -> ${type} {
    ${type} { table: "public.listings".into(), column: "note".into() }
}

#[test]
fn the_column_is_added_and_dropped_again() {
    let mock = Mock::new();
    mock.on_execute("ALTER TABLE public.listings ADD COLUMN note text").affects(0);
    mock.on_execute("ALTER TABLE public.listings DROP COLUMN note").affects(0);
    mock.upgrade(&plugin()).expect("adds it");
    mock.downgrade(&plugin()).expect("drops it");
    assert_eq!(mock.statements().len(), 2);
}
