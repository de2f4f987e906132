//! The one list of environment variables. Code may read no other; the guide lists the same.

/// One environment variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The processes that read it.
    pub processes: &'static [&'static str],
    /// What holds when it is not set; empty for nothing.
    pub default: &'static str,
    /// What it is for, as a sentence.
    pub meaning: &'static str,
}

pub(super) fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

const fn variable(
    name: &'static str,
    processes: &'static [&'static str],
    default: &'static str,
    meaning: &'static str,
) -> Variable {
    Variable { name, processes, default, meaning }
}

const ALL: &[&str] = &["api", "grpc-edge", "audit-writer", "notifier", "agent", "cli"];
const PROCESSES: &[&str] = &["api", "grpc-edge", "audit-writer", "notifier", "agent"];
const API: &[&str] = &["api"];
const EDGE: &[&str] = &["grpc-edge"];
const WRITER: &[&str] = &["audit-writer"];
const RECORDINGS: &[&str] = &["api", "audit-writer"];
const NOTIFIER: &[&str] = &["notifier"];
const KEYED: &[&str] = &["api", "notifier"];
const LOOKS_UP: &[&str] = &["agent", "api", "notifier"];
const STATE: &[&str] = &["api", "audit-writer", "notifier"];
const BROKER: &[&str] = &["api", "grpc-edge", "audit-writer", "notifier"];

/// Every variable, by group.
pub const VARIABLES: &[Variable] = &[
    variable(
        "PROFILE",
        &["api", "audit-writer"],
        "",
        "`dev` runs without authentication, on loopback only",
    ),
    variable(
        "PROFILE_DEV_FORCE",
        API,
        "",
        "`1` lets PROFILE=dev listen on other than loopback addresses",
    ),
    variable("LOG_FORMAT", ALL, "text", "`json` or `text`"),
    variable("LOG_GRPC", ALL, "", "`1` logs HTTP/2 and gRPC connectivity"),
    variable("RUST_LOG", ALL, "info", "which log lines are written, as tracing's filter"),
    variable(
        "METRICS_LISTEN",
        PROCESSES,
        "127.0.0.1:19009 for api, 19010 for grpc-edge, 19011 for audit-writer, 19012 for notifier; off for agent",
        "where Prometheus finds the metrics of a process; `off` for nowhere",
    ),
    variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        ALL,
        "",
        "the URL of a collector that takes traces over OTLP and gRPC; no traces when unset",
    ),
    variable(
        "OTEL_EXPORTER_OTLP_HEADERS",
        ALL,
        "",
        "what the collector wants to be sent beside them, such as `api-key=…`",
    ),
    variable("OTEL_SERVICE_NAME", ALL, "", "what the process is called in traces; its program"),
    variable("OTEL_TRACES_SAMPLER_ARG", ALL, "1", "the share of traces that is exported, 0 to 1"),
    variable(
        "SENTRY_DSN",
        BROKER,
        "",
        "the project at Sentry that is told the errors of this process, as https://KEY@HOST/PROJECT",
    ),
    variable(
        "AGENT_SENTRY_DSN",
        &["agent", "api"],
        "",
        "the same for agents; the api's is handed to agents that have none of their own",
    ),
    variable(
        "PYROSCOPE_INGEST_URL",
        PROCESSES,
        "",
        "who takes profiles, such as https://pyroscope.example.com; the api's is handed to agents",
    ),
    variable(
        "PYROSCOPE_AUTH_TOKEN",
        PROCESSES,
        "",
        "what proves to PYROSCOPE_INGEST_URL that it may; a password, when that names a user",
    ),
    variable(
        "TRUSTED_PROXIES",
        &["api", "grpc-edge"],
        "",
        "addresses and networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto count",
    ),
    // state
    variable(
        "POSTGRES_DB_URI",
        STATE,
        "",
        "the state store, such as postgres://user:password@host:5432/db",
    ),
    variable("PG_HOST", STATE, "", "the state store's host, instead of POSTGRES_DB_URI"),
    variable("PG_PORT", STATE, "5432", "the state store's port"),
    variable("PG_USER", STATE, "", "the state store's user"),
    variable("PG_DB", STATE, "", "the state store's database"),
    variable("PGPASSWORD", STATE, "", "the state store's password"),
    variable("NATS_URL", BROKER, "", "the broker, such as nats://host:4222"),
    // api
    variable(
        "API_URL",
        &["api", "cli"],
        "",
        "the public URL of the REST API, such as https://hoop.example.com",
    ),
    variable("API_LISTEN", API, "0.0.0.0:8009", "where the REST API listens"),
    variable(
        "GRPC_URL",
        API,
        "grpc://127.0.0.1:8010",
        "the public URL of the edges, for agent keys",
    ),
    variable(
        "API_GRPC_URL",
        API,
        "what GRPC_URL says",
        "where the api itself finds an edge, for connection tests and commands over REST",
    ),
    variable(
        "NATIVE_PG_ADDRESS",
        API,
        "127.0.0.1:15432",
        "the native PostgreSQL port that users are told",
    ),
    variable(
        "RUNBOOKS_PATH",
        API,
        "",
        "a folder with runbooks, such as a checkout that is kept up to date; none when unset",
    ),
    variable(
        "STATIC_UI_PATH",
        API,
        "/app/ui/public, if it is there",
        "a folder with the files of a user interface, which are served beside the API",
    ),
    variable(
        "SECRETS_KEY",
        KEYED,
        "",
        "32 bytes in base64 that encrypt secrets of connections and channels at rest; with a comma between them, more keys that only open",
    ),
    variable(
        "AUTH_METHOD",
        API,
        "local; oidc when IDP_ISSUER is set",
        "how people sign in: `local` with a password that is kept here, `oidc` or `saml` at an identity provider",
    ),
    variable("IDP_ISSUER", API, "", "the identity provider, as it calls itself"),
    variable("IDP_CLIENT_ID", API, "", "what the identity provider calls this gateway"),
    variable("IDP_CLIENT_SECRET", API, "", "what proves to it that it is this gateway"),
    variable("IDP_AUDIENCE", API, "", "whom tokens of programs are for, at the identity provider"),
    variable(
        "IDP_GROUPS_CLAIM",
        API,
        "groups",
        "the claim, or the SAML attribute, that carries people's groups",
    ),
    variable(
        "IDP_METADATA_URL",
        API,
        "",
        "where a SAML identity provider's metadata is, such as https://idp.example.com/metadata",
    ),
    variable(
        "IDP_METADATA",
        API,
        "",
        "a SAML identity provider's metadata itself, instead of IDP_METADATA_URL",
    ),
    variable("IDP_METADATA_FILE", API, "", "a file with what IDP_METADATA would be"),
    variable(
        "API_RATE_IDENTITY",
        API,
        "6000",
        "requests a minute of a user or program that is signed in; `off` for any number",
    ),
    variable(
        "API_RATE_ADDRESS",
        API,
        "30000",
        "requests a minute of an address, with all who are behind it; `off` for any number",
    ),
    variable(
        "API_RATE_STRANGER",
        API,
        "600",
        "requests a minute of those at an address who are not signed in; `off` for any number",
    ),
    variable(
        "API_RATE_SIGN_IN",
        API,
        "120",
        "sign-ins that are begun a minute at an address; `off` for any number",
    ),
    variable(
        "REVIEW_PENDING_TTL",
        API,
        "168h",
        "how long a request for access may wait for its reviewers, 1m to 8760h",
    ),
    variable("SECRETS_KEY_FILE", KEYED, "", "a file with what SECRETS_KEY would be, a key a line"),
    variable(
        "SECRETS_KMS",
        KEYED,
        "",
        "who unwraps the keys of SECRETS_KEY at the start: `vault:ENGINE/KEY`, `aws`, or `aws:KEY`",
    ),
    variable("ADMIN_EMAIL", API, "admin@localhost", "the first user, made when there is none"),
    variable(
        "ADMIN_PASSWORD",
        API,
        "",
        "the first user's password; made up and printed once when unset",
    ),
    // grpc-edge
    variable("GRPC_LISTEN", EDGE, "0.0.0.0:8010", "where agents and native clients connect"),
    variable(
        "GRPC_TLS_CERT_PATH",
        EDGE,
        "",
        "certificate chain for GRPC_LISTEN; plain HTTP/2 when unset",
    ),
    variable("GRPC_TLS_KEY_PATH", EDGE, "", "the key of GRPC_TLS_CERT_PATH"),
    variable("PG_LISTEN", EDGE, "0.0.0.0:15432", "where psql connects; `off` for not at all"),
    variable(
        "TLS_CERT_PATH",
        EDGE,
        "",
        "certificate chain for the native ports; self-signed when unset",
    ),
    variable("TLS_KEY_PATH", EDGE, "", "the key of TLS_CERT_PATH"),
    variable("EDGE_DRAIN_TIMEOUT", EDGE, "30s", "how long sessions may go on after SIGTERM"),
    variable("EDGE_RESUME_GRACE", EDGE, "60s", "how long an end of a session may be away"),
    variable(
        "EDGE_KEEP_ALIVE",
        EDGE,
        "15s",
        "how often an idle stream gets a message, 1s to 20s: proxies cut streams without any",
    ),
    variable(
        "EDGE_STALL_TIMEOUT",
        EDGE,
        "15s",
        "how long the broker may take no packet of a session before it ends",
    ),
    // audit-writer
    variable(
        "PLUGIN_AUDIT_PATH",
        WRITER,
        "/opt/hoop/sessions",
        "where sessions in transit are spooled",
    ),
    variable(
        "AUDIT_SEGMENT_BYTES",
        WRITER,
        "4194304",
        "a segment is stored when it has this many bytes",
    ),
    variable(
        "AUDIT_SEGMENT_AGE",
        WRITER,
        "10s",
        "a segment is stored when its first packet is this old",
    ),
    variable(
        "AUDIT_SPOOL_HIGH_WATERMARK",
        WRITER,
        "1073741824",
        "new sessions are refused when the spool's disk has no more bytes free, or is so full: 90%",
    ),
    variable(
        "AUDIT_SPOOL_LOW_WATERMARK",
        WRITER,
        "",
        "and taken again below this; twice as many bytes, or 5 % less, when unset",
    ),
    variable(
        "AUDIT_SIGNING_KEY",
        WRITER,
        "",
        "the ed25519 seed, 32 bytes in base64, that signs manifests",
    ),
    // the bucket of recordings
    variable(
        "S3_BUCKET",
        RECORDINGS,
        "",
        "the bucket that recordings are stored in; the state store when unset",
    ),
    variable("S3_PREFIX", RECORDINGS, "", "how the keys of its objects begin"),
    variable("S3_ENDPOINT", RECORDINGS, "", "the URL of a store that is not AWS's"),
    variable("S3_REGION", RECORDINGS, "", "the bucket's region; AWS's own settings when unset"),
    variable(
        "S3_PATH_STYLE",
        RECORDINGS,
        "",
        "`true` puts the bucket's name into the path; the default with S3_ENDPOINT",
    ),
    variable("S3_SSE", WRITER, "", "`AES256` or `aws:kms`; what the bucket does when unset"),
    variable("S3_SSE_KMS_KEY_ID", WRITER, "", "the key of S3_SSE=aws:kms; its default when unset"),
    variable("S3_OBJECT_LOCK_MODE", WRITER, "", "`GOVERNANCE` or `COMPLIANCE` locks each object"),
    variable("S3_OBJECT_LOCK_DAYS", WRITER, "", "for how many days objects are locked"),
    // notifier
    variable("NOTIFY_WEBHOOK_URL", NOTIFIER, "", "where events are posted; nowhere when unset"),
    variable("NOTIFY_WEBHOOK_SECRET", NOTIFIER, "", "signs webhooks, as `whsec_` and base64"),
    variable(
        "NOTIFY_SECRETS_KEY",
        KEYED,
        "",
        "32 bytes in base64 that encrypt secrets of channels at rest, instead of SECRETS_KEY",
    ),
    variable(
        "NOTIFY_SECRETS_KEY_FILE",
        KEYED,
        "",
        "a file with what NOTIFY_SECRETS_KEY would be, a key a line",
    ),
    variable("NOTIFY_TIMEOUT", NOTIFIER, "20s", "how long one attempt to tell somebody may take"),
    variable("NOTIFY_FIRST_PAUSE", NOTIFIER, "5s", "the pause after an attempt that failed"),
    variable("SMTP_HOST", NOTIFIER, "", "the mail server of the channel `smtp`"),
    variable("SMTP_PORT", NOTIFIER, "587", "its port; 465 is TLS from the first byte"),
    variable("SMTP_TLS", NOTIFIER, "starttls", "`starttls`, `implicit`, or on loopback `off`"),
    variable("SMTP_USER", NOTIFIER, "", "the user of the mail server, if it asks for one"),
    variable("SMTP_PASS", NOTIFIER, "", "the password of SMTP_USER"),
    variable("SMTP_FROM", NOTIFIER, "", "whom mail is from; SMTP_USER, or hoop at SMTP_HOST"),
    variable("MAGIC_BELL_API_KEY", NOTIFIER, "", "the project of the channel `magicbell`"),
    variable("MAGIC_BELL_API_SECRET", NOTIFIER, "", "the secret of MAGIC_BELL_API_KEY"),
    variable(
        "SEGMENT_KEY",
        NOTIFIER,
        "",
        "the write key of a source at Segment, which gets product metrics; nobody does when unset",
    ),
    // agent, cli and development
    variable(
        "HOOP_KEY",
        &["agent"],
        "",
        "the agent's key, printed once by `hoop admin create agent`",
    ),
    variable(
        "VAULT_ADDR",
        LOOKS_UP,
        "",
        "the URL of the Vault that references and SECRETS_KMS mean",
    ),
    variable("VAULT_TOKEN", LOOKS_UP, "", "who this process is at Vault"),
    variable("VAULT_TOKEN_FILE", LOOKS_UP, "", "a file with what VAULT_TOKEN would be"),
    variable("VAULT_APP_ROLE_ID", LOOKS_UP, "", "its AppRole at Vault, instead of a token"),
    variable("VAULT_APP_SECRET_ID", LOOKS_UP, "", "the secret of VAULT_APP_ROLE_ID"),
    variable(
        "VAULT_APP_SECRET_ID_FILE",
        LOOKS_UP,
        "",
        "a file with what VAULT_APP_SECRET_ID would be",
    ),
    variable("VAULT_NAMESPACE", LOOKS_UP, "", "the namespace at Vault, where there are some"),
    variable(
        "HOOP_TOKEN",
        &["cli"],
        "",
        "an API token, instead of the one in the configuration file",
    ),
    variable("HOOP_PASSWORD", &["cli"], "", "the password for `hoop login`, instead of the prompt"),
    variable("HOOP_DATA", &["cli"], "", "where `hoop start gateway` keeps everything"),
    variable(
        "HOOP_POSTGRES_BIN",
        &["cli"],
        "",
        "the folder of PostgreSQL's server programs, for `hoop start gateway`",
    ),
    variable("HOOP_TOOLS", &["cli", "tests"], "", "a folder with nats-server in its `bin`"),
    variable(
        "HOOP_CACHE",
        &["cli", "tests"],
        "",
        "where downloads and builds are kept, for tests and demos",
    ),
];
