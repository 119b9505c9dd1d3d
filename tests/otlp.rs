//! Traces over OTLP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::support::{Database, Finished, Project, free_port};

/// A collector on the loopback interface: its address, and what it was sent.
fn collector() -> (String, Receiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = BufReader::new(stream);
            while let Some(body) = request(&mut stream) {
                let sent = ExportTraceServiceRequest::decode(body.as_slice()).expect("protobuf");
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.get_mut().write_all(answer).expect("is read");
                if sender.send(sent).is_err() {
                    return;
                }
            }
        }
    });
    (address, receiver)
}

/// The body of the next request on a connection.
fn request(stream: &mut BufReader<std::net::TcpStream>) -> Option<Vec<u8>> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn spans(received: &Receiver<ExportTraceServiceRequest>) -> Vec<Span> {
    let mut requests = vec![received.recv_timeout(Duration::from_secs(20)).expect("something was sent")];
    requests.extend(received.try_iter());
    let resources = requests.into_iter().flat_map(|request| request.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// An attribute of a span, as text.
fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

#[test]
fn a_run_is_a_trace() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    project.sql("b", "a", "INSERT INTO public.t_a VALUES (1), (2), (3);", "DELETE FROM public.t_a;");
    project.sql("c", "b", "SELECT nonsense;", "");
    let (address, received) = collector();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut command = project.command(&["upgrade", "head"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &address).env("TRACEPARENT", parent);
    assert_eq!(Finished::of(&mut command).code, 5);
    let spans = spans(&received);
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let steps = named("step");
    let revisions: Vec<_> = steps.iter().filter_map(|step| attribute(step, "revision")).collect();
    assert_eq!(revisions, ["a", "b", "c"]);
    let of = |key: &str| attribute(steps[1], key);
    assert_eq!((of("rows").as_deref(), of("retries").as_deref()), (Some("3"), Some("0")));
    assert_eq!((of("step").as_deref(), of("of").as_deref()), (Some("2"), Some("3")));
    let duration: u64 = of("duration_ms").expect("it took time").parse().expect("a number");
    let whole = (steps[1].end_time_unix_nano - steps[1].start_time_unix_nano) / 1_000_000;
    assert!(duration <= whole + 1, "{duration} of {whole}");
    assert_eq!(steps[2].status.as_ref().map(|status| status.code), Some(2), "it failed");
    let (run, root) = (named("run"), named("runner upgrade"));
    assert_eq!((run.len(), root.len(), named("attempt").len()), (1, 1, 3));
    assert!(steps.iter().all(|step| step.parent_span_id == run[0].span_id));
    assert!(
        named("attempt")
            .iter()
            .all(|attempt| steps.iter().any(|step| step.span_id == attempt.parent_span_id))
    );
    assert_eq!(run[0].parent_span_id, root[0].span_id);
    assert_eq!(hex(&root[0].trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&root[0].parent_span_id), "b7ad6b7169203331");
    assert_eq!(attribute(root[0], "exit_code").as_deref(), Some("5"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn without_a_collector_the_migration_is_done_all_the_same() {
    let database = Database::new();
    let project = Project::new(&database);
    project.tables(&["a"]);
    let mut command = project.command(&["upgrade", "head"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", free_port()));
    let finished = Finished::of(&mut command);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("the traces could not be sent"), "{}", finished.stderr);
    // One that takes the connection and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let mut command = project.command(&["downgrade", "base"]);
    let began = Instant::now();
    let finished = Finished::of(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}")));
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(finished.stderr.contains("the traces could not be sent"), "{}", finished.stderr);
    assert!(!database.has("t_a"));
}
