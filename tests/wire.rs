//! What passes between the runner and a server: what is observed of it, what
//! ends a connection, and which servers are refused. On the library.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use arbtest::arbitrary::Unstructured;
use arbtest::arbtest;
use runner::db::{
    ConnectError, Connection, DbError, Ended, Location, Login, LoginError, Parameter, PostgresSession,
    QueryResult, ResultLimit, Session as _, TransactionStatus, WireError, connect, connect_as,
};

use crate::support::{Database, Project};

/// Waits for an answer of the library.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

fn location(url: &str) -> Location {
    Location::parse(url).expect("a location")
}

async fn connected(database: &Database) -> Connection {
    connect(&location(&database.url), "test").await.expect("connects")
}

/// The status and the tags after the last request.
fn seen(session: &PostgresSession) -> (TransactionStatus, Vec<String>) {
    let observed = session.observed().expect("there is a server");
    (observed.status, observed.tags)
}

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

const ALL: ResultLimit = ResultLimit { rows: usize::MAX, bytes: usize::MAX };
use TransactionStatus::{Failed, Idle, InTransaction};

#[test]
fn status_and_tags_are_those_of_the_last_request() {
    let database = Database::new();
    wait(async {
        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        assert_eq!(seen(&session), (Idle, tags(&[])));
        session.batch("BEGIN; CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)").await.expect("runs");
        assert_eq!(seen(&session), (InTransaction, tags(&["BEGIN", "CREATE TABLE", "INSERT 0 2"])));
        let prepared = session.prepare("UPDATE t SET a = a + 1").await.expect("is prepared");
        assert_eq!(seen(&session), (InTransaction, tags(&[])), "nothing was run");
        session.execute(&prepared, &[]).await.expect("runs");
        assert_eq!(seen(&session), (InTransaction, tags(&["UPDATE 2"])));
        drop(prepared);
        session.run("DELETE FROM t WHERE a = 2").await.expect("runs");
        assert_eq!(seen(&session), (InTransaction, tags(&["DELETE 1"])));
        let rows = session.copy_in("t", &[], bytes(&[7, 8, 9])).await.expect("copies");
        assert_eq!((rows, seen(&session)), (3, (InTransaction, tags(&["COPY 3"]))));
        let query = session.prepare("SELECT a FROM t").await.expect("is prepared");
        let cursor = session.open_cursor("SELECT a FROM t", &query, &[]).await.expect("opens");
        assert_eq!(seen(&session), (InTransaction, tags(&["DECLARE CURSOR"])));
        assert_eq!(session.fetch(cursor, 3).await.expect("fetches").len(), 3);
        assert_eq!(seen(&session), (InTransaction, tags(&["FETCH 3"])));
        let one = ResultLimit { rows: 1, bytes: usize::MAX };
        assert_eq!(session.query(&query, &[], one).await, Ok(QueryResult::TooLarge));
        assert_eq!(seen(&session), (InTransaction, tags(&["SELECT 4"])), "the answer has ended");
        assert_eq!(
            session.run_unnamed("DELETE FROM t WHERE a > $1", &[Parameter::Text("7".into())]).await,
            Ok(3 - 1)
        );
        // The driver has the error before the server is ready again.
        for _ in 0..20 {
            session.batch("SAVEPOINT s").await.expect("runs");
            session.run("SELECT 1 / 0").await.expect_err("fails");
            assert_eq!(seen(&session), (Failed, tags(&[])));
            session.batch("ROLLBACK TO s").await.expect("runs");
            session.prepare("SELECT nothing").await.expect_err("fails");
            assert_eq!(seen(&session), (Failed, tags(&[])));
            session.batch("ROLLBACK TO s").await.expect("runs");
        }
        session.batch("SELECT 1; SELECT 1 / 0").await.expect_err("fails");
        assert_eq!(seen(&session), (Failed, tags(&["SELECT 1"])), "the first one was completed");
    });
}

/// Tuples of one `int4` each.
fn bytes(values: &[i32]) -> bytes::Bytes {
    let tuple = |value: &i32| [&[0, 1, 0, 0, 0, 4], value.to_be_bytes().as_slice()].concat();
    values.iter().flat_map(tuple).collect::<Vec<_>>().into()
}

#[test]
fn a_commit_that_the_server_rolls_back_is_seen() {
    let database = Database::new();
    wait(async {
        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        session.batch("BEGIN; CREATE TABLE t (a int)").await.expect("runs");
        assert_eq!(session.commit().await, Ok(Ended::Committed));
        session.batch("BEGIN; INSERT INTO t VALUES (1)").await.expect("runs");
        session.run("SELECT 1 / 0").await.expect_err("fails");
        assert_eq!(session.commit().await, Ok(Ended::RolledBack));
        assert_eq!(session.commit().await, Err(DbError::Value("there is no transaction to commit".into())));
        session
            .batch("BEGIN; CREATE TABLE d (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            .await
            .expect("runs");
        session.batch("INSERT INTO d VALUES (1), (1)").await.expect("runs");
        assert_eq!(session.commit().await.expect_err("fails").sqlstate(), Some("23505"));
        assert_eq!(seen(&session).0, Idle);
    });
    assert_eq!(database.value("SELECT count(*) FROM t"), "0");
}

#[test]
fn a_copy_that_is_refused_leaves_the_session_in_step() {
    let database = Database::new();
    database.rows("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t");
    wait(async {
        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        for _ in 0..10 {
            session.batch("BEGIN; SAVEPOINT s").await.expect("runs");
            let refused = session.copy_in("v", &[], bytes(&[1])).await.expect_err("a view takes no COPY");
            assert_eq!(refused.sqlstate(), Some("42809"));
            assert_eq!(seen(&session), (Failed, tags(&[])));
            session.batch("ROLLBACK TO s").await.expect("runs");
            assert_eq!(seen(&session), (InTransaction, tags(&["ROLLBACK"])));
            assert_eq!(session.batch("SELECT 1").await, Ok(vec![vec![Some("1".into())]]));
            let malformed = session.copy_in("t", &[], bytes::Bytes::from_static(b"\0\x02")).await;
            malformed.expect_err("a column too many");
            session.batch("ROLLBACK TO s").await.expect("runs");
            assert_eq!(session.copy_in("t", &[], bytes(&[1, 2])).await, Ok(2));
            assert_eq!(session.commit().await, Ok(Ended::Committed));
        }
    });
    assert_eq!(database.value("SELECT count(*) FROM t"), "20");
}

#[test]
fn a_copy_outside_of_a_writer_ends_the_connection() {
    let database = Database::new();
    for copy in ["COPY t FROM STDIN", "COPY (SELECT 1) TO STDOUT"] {
        database.rows("CREATE TABLE IF NOT EXISTS t (a int)");
        wait(async {
            let connection = connected(&database).await;
            let session = connection.session();
            let mut session = session.lock().await;
            let ended = session.run(copy).await.expect_err("nobody serves it");
            assert_eq!(ended, DbError::Wire(WireError::UnexpectedCopy));
            assert!(ended.is_connection_lost());
            assert_eq!(session.batch("SELECT 1").await.expect_err("it has ended"), ended);
        });
    }
}

#[test]
fn results_without_end_end_the_connection() {
    let database = Database::new();
    // In the list of columns the series is not kept anywhere.
    let endless = "SELECT repeat('x', 1000), generate_series(1, 1e15::int8)";
    wait(async {
        let limited = |limit: u64| (limit, DbError::Wire(WireError::RowsTooLarge { limit }));
        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        let (limit, expected) = limited(1 << 20);
        session.set_result_limit(Some(limit));
        // What fits, fits any number of times.
        for _ in 0..5 {
            session.run("SELECT repeat('x', 1000) FROM generate_series(1, 1000)").await.expect("runs");
        }
        let prepared = session.prepare(endless).await.expect("is prepared");
        assert_eq!(session.query(&prepared, &[], ALL).await, Err(expected));

        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        session.set_row_limit(Some(1 << 20));
        session.run("SELECT repeat('x', 1000000)").await.expect("runs");
        let ended = session.run("SELECT repeat('x', 2000000)").await.expect_err("the row is too long");
        assert!(matches!(ended, DbError::Wire(WireError::FrameTooLarge { tag: b'D', .. })), "{ended:?}");
        // As long as an error may be, or longer.
        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        let ended = session.run("DO $$BEGIN RAISE EXCEPTION '%', repeat('x', 20000000); END$$").await;
        let ended = ended.expect_err("it fails");
        assert!(matches!(ended, DbError::Wire(WireError::FrameTooLarge { tag: b'E', .. })), "{ended:?}");
    });
}

#[test]
fn notices_without_end_are_logged_up_to_the_budget() {
    let database = Database::new();
    let project = Project::new(&database);
    let loud = "DO $$BEGIN FOR i IN 1..5000 LOOP RAISE WARNING 'again %', i; END LOOP; END$$;";
    project.sql("a", "", loud, "SELECT 1;");
    let finished = project.run(&["upgrade", "head"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.stderr.matches("again ").count(), 1_000);
    assert_eq!(finished.stderr.matches("says more than is logged").count(), 1);
}

#[test]
fn the_server_says_who_and_what_it_is() {
    let database = Database::of_superuser();
    wait(async {
        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        let row = session.batch("SELECT pg_backend_pid(), current_setting('server_version_num')").await;
        let row = row.expect("runs").concat();
        assert_eq!(connection.process_id().map(|pid| pid.to_string()), row[0]);
        let number: u32 = row[1].as_deref().unwrap_or_default().parse().expect("a number");
        assert_eq!((connection.server_major(), session.server_major()), (number / 10_000, number / 10_000));
        assert_eq!(session.server_encoding().as_deref(), Some("UTF8"));
        assert_eq!(connection.is_superuser(), Some(true));
        let role = format!("wire_{}", database.name);
        session.batch(&format!("CREATE ROLE {role}; SET SESSION AUTHORIZATION {role}")).await.expect("runs");
        assert_eq!(session.is_superuser(), Some(false));
        assert_eq!(session.observed().and_then(|observed| observed.user), Some(role.clone()));
        session.batch(&format!("RESET SESSION AUTHORIZATION; DROP ROLE {role}")).await.expect("runs");
        assert_eq!(session.observed().and_then(|observed| observed.user).as_deref(), Some("postgres"));
    });
}

#[test]
fn a_login_of_its_own_is_pinned() {
    let database = Database::new();
    let role = format!("guest_{}", database.name);
    database.rows(&format!(
        "CREATE ROLE {role} LOGIN NOINHERIT; CREATE ROLE {role}_owner; GRANT {role}_owner TO {role}"
    ));
    let parameters = [
        ("search_path", "app, \"My Schema\", pg_temp"),
        ("role", &format!("{role}_owner")),
        ("work_mem", "8MB"),
        ("row_security", "off"),
        ("statement_timeout", "61s"),
        ("client_connection_check_interval", "5s"),
        ("app.odd", "a\\b  c\t'd'"),
    ];
    let login = Login {
        user: role.clone(),
        password: "hunter2".into(),
        parameters: parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    };
    wait(async {
        let place = location(&database.url.replace("?", "?options=-c%20work_mem%3D1MB%20-crole%3Dnone&"));
        let connection = connect_as(&place, &login, "test").await.expect("connects");
        let session = connection.session();
        let mut session = session.lock().await;
        // RESET goes back to what is pinned.
        session.batch("SET search_path = public; RESET ALL; RESET ROLE").await.expect("runs");
        session.batch("DISCARD ALL").await.expect("runs");
        for (name, value) in parameters {
            let found =
                session.batch(&format!("SELECT current_setting('{name}')")).await.expect("runs").concat();
            assert_eq!(found, [Some(value.to_owned())], "{name}");
        }
        let users =
            session.batch("SELECT session_user, current_user, current_database()").await.expect("runs");
        let expected = [role.clone(), format!("{role}_owner"), database.name.clone()].map(Some);
        assert_eq!(users.concat(), expected);
        assert_eq!(session.is_superuser(), Some(false));

        let nobody = Login { user: "nobody".into(), ..login.clone() };
        let Err(refused) = connect_as(&place, &nobody, "test").await else { panic!("there is no such role") };
        let shown = format!("{refused} {refused:?}");
        assert!(shown.contains("as `nobody`") && !shown.contains("hunter2"), "{shown}");
        let embedded = connect_as(&location("embedded"), &login, "test").await;
        assert!(matches!(embedded, Err(ConnectError::Login(LoginError::Embedded))));
    });
    database.rows(&format!("DROP ROLE {role}; DROP ROLE {role}_owner"));
}

#[test]
fn what_does_not_end_is_cancelled_and_terminated() {
    let database = Database::new();
    let sleep = "SELECT pg_sleep(1000)";
    let stubborn = "DO $$BEGIN LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; \
                    END; END LOOP; END$$";
    wait(async {
        let control = connected(&database).await;
        let control = control.session();
        let mut control = control.lock().await;
        for (sql, sqlstate) in [(sleep, "57014"), (stubborn, "57P01")] {
            let connection = connected(&database).await;
            let (session, canceller) = (connection.session(), connection.canceller().clone());
            let process = connection.process_id().expect("the server told");
            let running = tokio::spawn(async move { session.lock().await.run(sql).await });
            let active = format!("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {process}");
            while control.batch(&active).await.expect("runs").concat() != [Some("t".to_owned())] {
                tokio::task::yield_now().await;
            }
            canceller.cancel().await.expect("is taken");
            if sql == stubborn {
                assert_eq!(control.terminate(process, Duration::from_secs(60)).await, Ok(true));
            }
            let ended = running.await.expect("ends").expect_err("does not finish");
            assert_eq!(ended.sqlstate(), Some(sqlstate));
        }
        assert_eq!(control.terminate(i32::MAX, Duration::ZERO).await, Ok(true), "nobody was there");
    });
}

/// Types that come to be between a query's preparation and its cursor are
/// looked up before rows are under way; the driver would wait for ever.
#[test]
fn a_cursor_finds_types_that_are_new() {
    let database = Database::new();
    database.rows(
        "CREATE TABLE t (a text); INSERT INTO t SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
    );
    wait(async {
        let connection = connected(&database).await;
        let session = connection.session();
        let mut session = session.lock().await;
        session.batch("BEGIN").await.expect("runs");
        let query = session.prepare("SELECT a FROM t").await.expect("is prepared");
        session
            .batch("CREATE DOMAIN d AS text; CREATE TYPE pair AS (a d, b d[]); ALTER TABLE t ALTER a TYPE d")
            .await
            .expect("runs");
        session.batch("ALTER TABLE t ALTER a TYPE pair USING ROW(a, '{}')").await.expect("runs");
        let cursor = session.open_cursor("SELECT a FROM t", &query, &[]).await.expect("opens");
        assert_eq!(session.fetch(cursor, 20_000).await.expect("fetches").len(), 20_000);
    });
}

/// Every way to a server leads through the guard: no connection is taken whose
/// version was not seen.
#[test]
fn there_are_many_ways_to_a_server() {
    let database = Database::of_superuser();
    let folder = database.value("SHOW unix_socket_directories");
    let port = location_port(&database.url);
    let name = &database.name;
    let dead = crate::support::free_port();
    let works = |text: String| {
        wait(async {
            let connection =
                connect(&location(&text), "test").await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
            let session = connection.session();
            let mut session = session.lock().await;
            session.batch("BEGIN").await.expect("runs");
            assert_eq!(seen(&session), (InTransaction, tags(&["BEGIN"])), "{text}");
            connection.canceller().cancel().await.expect("the server takes the request");
        });
    };
    works(format!("host={folder} port={port} user=postgres dbname={name}"));
    works(format!("host={folder} port={port} user=postgres dbname={name} sslmode=disable"));
    works(format!("postgresql://postgres@localhost:{port}/{name}"));
    works(format!(
        "postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=prefer&keepalives_idle=5&tcp_user_timeout=9"
    ));
    works(format!("host=nowhere.invalid hostaddr=127.0.0.1 port={port} user=postgres dbname={name}"));
    works(format!(
        "postgresql://postgres@127.0.0.1:{dead},127.0.0.1:{port}/{name}?load_balance_hosts=random"
    ));
    works(format!("postgresql://postgres@nowhere.invalid:{dead},127.0.0.1:{port}/{name}"));
    works(format!("{}&target_session_attrs=read-write", database.url));
    for (text, why) in [
        (format!("{}&target_session_attrs=read-only", database.url), "database is not read only"),
        (format!("postgresql://postgres@127.0.0.1:{dead}/{name}"), "Connection refused"),
        ("host=127.0.0.1,127.0.0.1 port=1,2,3 user=postgres".to_owned(), "invalid number of ports"),
        ("host=127.0.0.1 hostaddr=127.0.0.1,127.0.0.1 user=postgres".to_owned(), "number of hosts"),
        (format!("host={folder} port={port} user=postgres sslmode=require"), "NoTls"),
    ] {
        let Err(refused) = wait(connect(&location(&text), "test")) else { panic!("{text}") };
        assert!(format!("{refused:?}").contains(why), "{text}: {refused:?}");
    }
}

/// A server that takes one client in and says what it is told to, then what
/// comes after that, and hangs up.
fn fake_server(greeting: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let _ = read_startup(&mut stream);
        let _ = stream.write_all(&greeting);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // What the client still says is read, or the end would be a reset that
        // takes our bytes with it.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    format!("postgresql://me:hunter2@127.0.0.1:{port}/app?sslmode=disable")
}

fn read_startup(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    stream.read_exact(&mut vec![0; u32::from_be_bytes(length).saturating_sub(4).min(10_000) as usize])
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short body");
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

fn greeting(parameters: &[(&str, &str)]) -> Vec<u8> {
    let report = |(name, value): &(&str, &str)| frame(b'S', format!("{name}\0{value}\0").as_bytes());
    [
        frame(b'R', &[0; 4]),
        parameters.iter().flat_map(report).collect(),
        frame(b'K', &[0, 0, 0, 7, 0, 0, 0, 9]),
        frame(b'Z', b"I"),
    ]
    .concat()
}

#[track_caller]
fn refused(url: &str) -> String {
    let finished = Project::without_database().run(&["current", "--database", url]);
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    let port = location_port(url);
    finished.stderr.replace(&port, "[port]")
}

fn location_port(url: &str) -> String {
    let (_, after) = url.split_once("127.0.0.1:").expect("a port");
    after.chars().take_while(char::is_ascii_digit).collect()
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    let old =
        fake_server(greeting(&[("server_version", "13.22 (Debian 13.22-1)"), ("server_encoding", "UTF8")]));
    insta::assert_snapshot!(refused(&old), @r"
    Error: the server of database `app` on 127.0.0.1:[port] as `me` is PostgreSQL 13.22 (Debian 13.22-1); 14 or newer is needed
    Hint: Upgrade the server; PostgreSQL itself no longer maintains this version.
    ");
    let silent = fake_server(greeting(&[("server_encoding", "UTF8")]));
    insta::assert_snapshot!(refused(&silent), @r"
    Error: no connection to database `app` on 127.0.0.1:[port] as `me`
    Caused by:
    1: the server does not tell its version and its encoding
    ");
}

#[test]
fn another_encoding_is_refused() {
    let database = Database::new();
    let name = format!("{}_ascii", database.name);
    database.rows(&format!("CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'"));
    let said = refused(&database.url.replace(&database.name, &name)).replace(&name, "[name]");
    insta::assert_snapshot!(said, @r"
    Error: the encoding of database `[name]` on 127.0.0.1:[port] as `owner` is SQL_ASCII; UTF8 is needed
    Hint: Make a database with `createdb --encoding=UTF8 --template=template0 NAME`, and move the data there.
    ");
    database.rows(&format!("DROP DATABASE {name}"));
}

#[test]
fn what_is_no_server_of_postgresql_is_refused() {
    let http = fake_server(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec());
    insta::assert_snapshot!(refused(&http), @r"
    Error: no connection to database `app` on 127.0.0.1:[port] as `me`
    Caused by:
    1: it does not answer as a server of PostgreSQL does
    ");
}

/// Whatever a server says, the client neither panics nor waits.
#[test]
fn any_answer_is_survived() {
    let sound = [("server_version", "15.8"), ("server_encoding", "UTF8")];
    let property = |u: &mut Unstructured<'_>| {
        let mut said = if u.ratio(4, 5)? { greeting(&sound) } else { Vec::new() };
        for _ in 0..u.int_in_range(0..=12)? {
            let body: Vec<u8> = u.arbitrary()?;
            let tag = *u.choose(b"RKSZTDCEN123ntsIAGHWdcVv")?;
            said.extend(match u.int_in_range(0..=5)? {
                0 => body,
                1 => frame(b'Z', b"T"),
                2 => frame(b'C', b"SELECT 1\0"),
                3 => frame(b'T', &[0, 0]),
                _ => frame(tag, &body),
            });
        }
        let place = location(&fake_server(said));
        wait(async {
            if let Ok(connection) = connect(&place, "test").await {
                let session = connection.session();
                let mut session = session.lock().await;
                let _ = session.batch("SELECT 1").await;
                let _ = session.run("SELECT 1").await;
                if let Ok(prepared) = session.prepare("SELECT 1").await {
                    let _ = session.query(&prepared, &[], ALL).await;
                }
                let _ = session.copy_in("t", &["a".into()], bytes(&[1])).await;
                assert!(session.batch("SELECT 1").await.is_err(), "the server has hung up");
            }
        });
        Ok(())
    };
    let fuzz = arbtest(property).size_max(2_048);
    match std::env::var_os("ARBTEST_BUDGET_MS") {
        Some(_) => fuzz.run(),
        None => fuzz.budget(Duration::from_secs(5)).run(),
    }
}
