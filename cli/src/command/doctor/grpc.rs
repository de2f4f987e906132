//! The way of sessions: an edge, through whatever stands before it.

use hoop_client::{
    Error, KeepAlive, dial,
    stream::{self, Credentials},
};
use hoop_domain::DenialCode;
use hoop_proto::v1::{
    ClientHello, HealthCheckRequest, transport_client::TransportClient, up::Frame,
};
use tokio::time::timeout;
use tonic::{Code, Status, transport::Channel};

use super::{
    GRPC,
    http2::greet,
    network::{self, Hops, PATIENCE, Place, connect},
    report::{Broken, Report},
    settings::Known,
    tls,
};

/// What every path of ours begins with.
const PATH: &str = "/protobuf.Transport/";

/// No connection has such a name, so asking for it opens nothing.
const NOBODYS: &str = "hoop doctor";

/// Who asks as an agent, with a key of nobody.
const NO_AGENT: (&str, &str) = ("hoop-doctor", "xagt-none");

pub(super) async fn look(known: &Known, report: &mut Report) {
    if let Err(broken) = hops(known, report).await {
        report.skip(GRPC, broken);
    }
}

/// The name of the hop at which it ended, if it did.
async fn hops(known: &Known, report: &mut Report) -> Result<(), &'static str> {
    let place = Place::new(known.grpc.host(), known.grpc.port());
    let fix = if known.grpc_is_set {
        "check the port of grpc_url: `hoop config set grpc_url URL`".to_owned()
    } else {
        format!(
            "no grpc_url is set, so this is port {} of the API's host; set the one that the \
             operator gives: `hoop config set grpc_url grpcs://HOST:PORT`",
            place.port
        )
    };
    let names = Hops { dns: "grpc dns", tcp: "grpc tcp", fix };
    let stream = connect(&place, &names, report).await.ok_or("grpc tcp")?;
    let greeted = if known.grpc.tls() {
        let shaken = tls::shake(&place, stream, &[b"h2".as_slice()]).await;
        greet(report.note("grpc tls", shaken).ok_or("grpc tls")?).await
    } else {
        report.note("grpc tls", Ok(((), "none: the URL is grpc://".into())));
        greet(stream).await
    };
    report.note("grpc http/2", greeted).ok_or("grpc http/2")?;
    let channel = match dial(&known.grpc, None).await {
        Ok(channel) => channel,
        Err(error) => {
            // Each part of it went well a moment ago.
            let reached = network::again(&place).await.err();
            let broken =
                reached.unwrap_or_else(|| Broken::new(error.to_string(), "run this again"));
            report.note::<()>("grpc path", Err(broken));
            return Err("grpc path");
        }
    };
    let mut whole = path(channel.clone()).await;
    // Even when it is not, since a proxy may pass only this on.
    let through = stream_through(channel, known).await;
    if through.is_ok() && matches!(whole, Err(Unwell::Elsewhere(_))) {
        whole = Ok(((), format!("only {PATH}Connect is passed on; that is enough")));
    }
    report.note("grpc path", whole.map_err(Broken::from));
    report.note("grpc stream", through).ok_or("grpc stream")
}

/// Why the path is not well.
enum Unwell {
    /// It leads to no edge.
    Elsewhere(Broken),
    Edge(Broken),
}

impl From<Unwell> for Broken {
    fn from(unwell: Unwell) -> Self {
        match unwell {
            Unwell::Elsewhere(broken) | Unwell::Edge(broken) => broken,
        }
    }
}

impl From<Broken> for Unwell {
    fn from(broken: Broken) -> Self {
        Self::Edge(broken)
    }
}

/// Health, and the way on to those who decide.
async fn path(channel: Channel) -> Result<((), String), Unwell> {
    let mut client = TransportClient::new(channel.clone());
    let asked = timeout(PATIENCE, client.health_check(HealthCheckRequest {})).await;
    let answer = asked.map_err(|_| Broken::new("the health check is not answered", passing()))?;
    let answer = match answer.map_err(Error::from) {
        Err(error) if error.leads_elsewhere() => return Err(Unwell::Elsewhere(denied(&error))),
        answer => answer.map_err(|error| denied(&error))?.into_inner(),
    };
    if !answer.serving {
        let what = "the edge is going away, or has lost its broker";
        return Err(Broken::new(what, "wait a moment; then tell the gateway's operator").into());
    }
    let (name, token) = NO_AGENT;
    let credentials = Credentials::agent(name, token)
        .map_err(|error| Broken::new(error.to_string(), "run this again"))?;
    match stream::wanted(channel, &credentials).await {
        // A stranger was told that they are one, so all the way was gone.
        Ok(_)
        | Err(Error::Refused {
            code: Some(DenialCode::AgentUnknown | DenialCode::Unauthenticated),
            ..
        }) => Ok(((), "the edge is well, and reaches those who decide".into())),
        Err(error) if error.leads_elsewhere() => Err(Unwell::Elsewhere(denied(&error))),
        Err(error) => Err(denied(&error).into()),
    }
}

/// A stream both ways, up to the refusal of what nobody has.
async fn stream_through(channel: Channel, known: &Known) -> Result<((), String), Broken> {
    let credentials = Credentials::user(known.token.as_deref().unwrap_or("none"))
        .map_err(|error| Broken::new(error.to_string(), "run `hoop login`"))?;
    let hello = Frame::ClientHello(ClientHello {
        connection_name: NOBODYS.into(),
        application: concat!("hoop doctor/", env!("CARGO_PKG_VERSION")).into(),
        ..ClientHello::default()
    });
    let opened = stream::open(channel, &credentials, hello, KeepAlive::STANDARD);
    match timeout(PATIENCE, opened).await {
        Err(_) | Ok(Err(Error::TimedOut { .. })) => Err(Broken::new(
            "a stream is begun and nothing comes back; a proxy may wait for its end",
            "let the proxy pass requests on as they come (nginx: `grpc_pass`, no buffering)",
        )),
        Ok(Err(Error::Refused { code: Some(DenialCode::Unauthenticated), .. })) => Err(
            Broken::new("the edge does not know your login", "run `hoop login --email ADDRESS`"),
        ),
        Ok(
            Ok(_)
            | Err(Error::Refused {
                code: Some(DenialCode::ConnectionNotFound | DenialCode::Malformed),
                ..
            }),
        ) => Ok(((), "a stream goes both ways, and your login is known".into())),
        Ok(Err(error)) => Err(denied(&error)),
    }
}

fn denied(error: &Error) -> Broken {
    match error {
        Error::Broken(status) => explain(status),
        Error::Refused { code: None, message, .. } => {
            explain(&Status::new(Code::Unimplemented, message.clone()))
        }
        other => Broken::new(other.to_string(), "tell the gateway's operator; its log has more"),
    }
}

fn explain(status: &Status) -> Broken {
    let what = |say: &str| format!("{say} ({:?}: {})", status.code(), status.message());
    // A proxy with nobody behind it says so in HTTP's words.
    let alone = ["502", "503", "504"]
        .iter()
        .any(|code| status.message().contains(&format!("status: {code} ")));
    match status.code() {
        Code::Unimplemented | Code::Unknown | Code::Internal | Code::PermissionDenied if !alone => {
            Broken::new(what(&format!("what answers for {PATH} is no edge")), passing())
        }
        code if alone || matches!(code, Code::Unavailable | Code::DeadlineExceeded) => Broken::new(
            what("what answers has no edge behind it"),
            "start grpc-edge, or correct where the proxy passes gRPC on to",
        ),
        _ => Broken::new(what("the edge refuses"), "tell the gateway's operator"),
    }
}

fn passing() -> String {
    format!(
        "let the proxy pass {PATH} on to port 8010 of grpc-edge (nginx: `location {PATH} {{ \
         grpc_pass … }}`), or set grpc_url to a port that does"
    )
}
