//! The component that runs revisions of kind `sql`.
