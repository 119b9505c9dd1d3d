//! `sslmode` and `sslrootcert`, against a server with a certificate.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::support::{Finished, Project, Server};

/// A server whose certificate is for `localhost`, and the certificate of the
/// authority that signed it.
fn server() -> (Server, String) {
    server_with(CertificateParams::new(vec!["localhost".into()]).expect("a name"))
}

/// The same with a certificate whose time is over.
pub fn expired_server() -> (Server, String) {
    let mut certificate = CertificateParams::new(vec!["localhost".into()]).expect("a name");
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
    server_with(certificate)
}

fn server_with(certificate: CertificateParams) -> (Server, String) {
    let Issued { root, certificate, key } = issue(certificate);
    let server = Server::start_with_files(
        &["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"],
        &[("server.crt", &certificate), ("server.key", &key)],
    );
    (server, root)
}

/// A certificate with its key and the authority that signed it, as PEM.
pub struct Issued {
    pub root: String,
    pub certificate: String,
    pub key: String,
}

/// Has a certificate signed by an authority that is made for it.
pub fn issue(certificate: CertificateParams) -> Issued {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).expect("signs itself").pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let certificate = certificate.signed_by(&key, &issuer).expect("signs").pem();
    Issued { root, certificate, key: key.serialize_pem() }
}

struct Case<'a> {
    project: &'a Project,
    port: u16,
}

impl Case<'_> {
    fn run(&self, host: &str, parameters: &str) -> Finished {
        let url = format!("postgresql://postgres@{host}:{}/postgres?{parameters}", self.port);
        self.project.run(&["current", "--database", &url])
    }

    #[track_caller]
    fn works(&self, host: &str, parameters: &str) {
        let finished = self.run(host, parameters);
        assert_eq!(finished.code, 0, "{host} {parameters}: {}", finished.stderr);
    }

    #[track_caller]
    fn refuses(&self, host: &str, parameters: &str, reason: &str) {
        let finished = self.run(host, parameters);
        assert_eq!(finished.code, 1, "{host} {parameters}");
        assert!(finished.stderr.contains(reason), "{host} {parameters}: {}", finished.stderr);
    }
}

#[test]
fn certificates_are_verified_as_far_as_sslmode_says() {
    let (server, root) = server();
    let project = Project::without_database();
    project.write("root.pem", root);
    project.write("empty.pem", "");
    let good = format!("sslrootcert={}", encoded(&project.path("root.pem")));
    let case = Case { project: &project, port: server.port };
    for mode in ["disable", "prefer", "require"] {
        case.works("127.0.0.1", &format!("sslmode={mode}"));
    }
    for (mode, host) in [("require", "127.0.0.1"), ("verify-ca", "127.0.0.1"), ("verify-full", "localhost")] {
        case.works(host, &format!("sslmode={mode}&{good}"));
    }
    case.refuses("127.0.0.1", &format!("sslmode=verify-full&{good}"), "not valid for name");
    case.refuses("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem", "/nowhere.pem cannot be read");
    let empty = encoded(&project.path("empty.pem"));
    case.refuses("localhost", &format!("sslmode=verify-ca&sslrootcert={empty}"), "no root certificate");
    let stranger = self::stranger(&project);
    for mode in ["require", "verify-ca", "verify-full"] {
        case.refuses(
            "localhost",
            &format!("sslmode={mode}&sslrootcert={stranger}"),
            "invalid peer certificate",
        );
    }
}

/// The certificate of an authority that signed nothing.
fn stranger(project: &Project) -> String {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&KeyPair::generate().expect("a key")).expect("signs itself");
    project.write("stranger.pem", certificate.pem());
    encoded(&project.path("stranger.pem"))
}

pub fn encoded(path: &Path) -> String {
    path.display().to_string().replace('/', "%2F")
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_required() {
    let database = crate::support::Database::new();
    let project = Project::without_database();
    let url = database.url.replace("sslmode=disable", "sslmode=require");
    let finished = project.run(&["current", "--database", &url]);
    assert_eq!(finished.code, 1);
    assert!(finished.stderr.contains("server does not support TLS"), "{}", finished.stderr);
}

#[test]
fn what_passes_inside_of_tls_is_observed() {
    use runner::db::{DbError, Location, Session as _, TransactionStatus, WireError, connect};
    let (server, root) = server();
    let project = Project::without_database();
    project.write("root.pem", root);
    let root = encoded(&project.path("root.pem"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for mode in ["prefer".to_owned(), "require".into(), format!("verify-full&sslrootcert={root}")] {
        let url = format!("postgresql://postgres@localhost:{}/postgres?sslmode={mode}", server.port);
        let location = Location::parse(&url).expect("a location");
        runtime.block_on(async {
            let connection = connect(&location, "test").await.expect("connects");
            let session = connection.session();
            let mut session = session.lock().await;
            let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            assert_eq!(session.batch(encrypted).await.expect("runs").concat(), [Some("t".to_owned())]);
            session.batch("BEGIN").await.expect("runs");
            let observed = session.observed().expect("there is a server");
            assert_eq!((observed.status, observed.tag()), (TransactionStatus::InTransaction, Some("BEGIN")));
            // A request to cancel finds the same way. One that comes before the
            // sleep does nothing, and so it is made until it does.
            let canceller = connection.canceller();
            let cancelled = async {
                loop {
                    canceller.cancel().await.expect("is taken");
                    tokio::task::yield_now().await;
                }
            };
            let slept = tokio::select! {
                slept = session.run("SELECT pg_sleep(1000)") => slept,
                () = cancelled => Ok(0),
            };
            assert_eq!(slept.expect_err("is cancelled").sqlstate(), Some("57014"));

            let connection = connect(&location, "test").await.expect("connects");
            let session = connection.session();
            let mut session = session.lock().await;
            session.set_result_limit(Some(1_000));
            let ended = session.batch("SELECT repeat('x', 1001)").await.expect_err("too large");
            assert_eq!(ended, DbError::Wire(WireError::RowsTooLarge { limit: 1_000 }));
        });
    }
}
