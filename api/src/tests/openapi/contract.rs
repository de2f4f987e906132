//! The names of fields that clients of the contract know, schema by schema, against the document:
//! each is there, or is left out here by its name and with the reason. None gets lost silently.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::OpenApi;

use crate::openapi::Document;

/// One of our schemas, the names that the contract has for it, and those of them that it does
/// not have, with the reason.
struct Row(&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CONNECTION: &str = "id name command resource_name type subtype secret default_database \
    agent_id status reviewers redact_enabled redact_types managed_by tags connection_tags \
    access_mode_runbooks access_mode_exec access_mode_connect access_schema guardrail_rules \
    jira_issue_template_id force_approve_groups access_max_duration min_review_approvals \
    mandatory_metadata_fields jit_access_duration_sec attributes managed_attributes \
    effective_features secrets_updated_at mcp_oauth_flow_id mcp_oauth_warning mcp_oauth_granted";
const USER: &str = "id name email status verified role slack_id picture groups password";
const SERVICE_ACCOUNT: &str = "id org_id subject name status groups";
const PLUGIN: &str = "id name connections config source priority";
const PLUGIN_CONNECTION: &str = "id name config";

const OURS_TO_SAY: &str = "the gateway says it, and no client";
const NOT_KEPT: &str = "taken from older clients and not kept";
const NOT_SHOWN: &str = "a secret is never shown";
const NO_MASKING: &str = "nothing is masked";
const NO_GUARD_RAILS: &str = "there are no guard rails";
const NO_JIRA: &str = "there is no Jira";
const NO_METADATA: &str =
    "what is said of a session is its user's alone: nothing demands it or adds to it";
const NO_ATTRIBUTES: &str = "there are no attributes that rules are made of";
const NO_MCP: &str = "there is no MCP";
const NO_RESOURCES: &str = "a connection is all there is: no resources and no roles of them";
const NO_SLACK_IDS: &str = "Slack is reached through channels, and nobody has an id there";
const NO_AI: &str = "no model judges what is run";
const NOT_MEASURED: &str = "agents do not tell it";
const NO_PRODUCT: &str = "there is no web interface that it would steer, and nothing to buy";
const ELSEWHERE: &str = "a route or schema of its own has it";

const ROWS: &[Row] = &[
    Row(
        "ConnectionRequest",
        CONNECTION,
        &[
            ("id status managed_by effective_features secrets_updated_at", OURS_TO_SAY),
            ("redact_enabled redact_types", NO_MASKING),
            ("guardrail_rules", NO_GUARD_RAILS),
            ("jira_issue_template_id", NO_JIRA),
            ("mandatory_metadata_fields", NO_METADATA),
            ("attributes managed_attributes", NO_ATTRIBUTES),
            ("mcp_oauth_flow_id mcp_oauth_warning mcp_oauth_granted", NO_MCP),
        ],
    ),
    Row(
        "ConnectionResponse",
        CONNECTION,
        &[
            ("secret", NOT_SHOWN),
            ("resource_name default_database access_schema tags connection_tags", NOT_KEPT),
            ("managed_by", "a connection is made over REST only"),
            ("redact_enabled redact_types", NO_MASKING),
            ("guardrail_rules", NO_GUARD_RAILS),
            ("jira_issue_template_id", NO_JIRA),
            ("mandatory_metadata_fields", NO_METADATA),
            ("attributes managed_attributes", NO_ATTRIBUTES),
            ("effective_features", "they are read off the other fields"),
            ("mcp_oauth_flow_id mcp_oauth_warning mcp_oauth_granted", NO_MCP),
        ],
    ),
    Row("ConnectionPage", "pages data", &[]),
    Row("Pages", "total page size", &[]),
    Row(
        "ConnectionPatch",
        "command type subtype secret agent_id reviewers redact_types tags connection_tags \
         access_mode_runbooks access_mode_exec access_mode_connect access_schema guardrail_rules \
         jira_issue_template_id mandatory_metadata_fields attributes mcp_oauth_flow_id",
        &[
            ("redact_types", NO_MASKING),
            ("guardrail_rules", NO_GUARD_RAILS),
            ("jira_issue_template_id", NO_JIRA),
            ("mandatory_metadata_fields", NO_METADATA),
            ("attributes", NO_ATTRIBUTES),
            ("mcp_oauth_flow_id", NO_MCP),
        ],
    ),
    Row("TestResponse", "success", &[]),
    Row("Runbook", "name metadata connections error", &[]),
    Row(
        "RunbookParameter",
        "description required type default placeholder options order asenv",
        &[],
    ),
    Row("RunbookList", "items commit commit_author commit_message", &[]),
    Row(
        "RunbookRequest",
        "file_name ref_hash parameters env_vars client_args metadata jira_fields session_batch_id",
        &[],
    ),
    Row(
        "RunRequest",
        "script connection env_vars labels metadata client_args jira_fields session_batch_id \
         correlation_id",
        &[
            ("env_vars", "refused: a command would go on without what it was to have"),
            ("jira_fields", NO_JIRA),
        ],
    ),
    Row(
        "RunResponse",
        "has_review session_id output output_status truncated execution_time exit_code",
        &[],
    ),
    Row("LoginUrl", "login_url", &[]),
    Row("UserInfo", USER, &[("password", NOT_SHOWN)]),
    Row(
        "UserInfo",
        "is_admin is_multitenant tenancy_type org_id org_name org_license feature_ask_ai \
         webapp_users_management intercom_hmac_digest default_protection_profile \
         pending_org_invitations show_origin_survey show_setup_checklist",
        &[(
            "intercom_hmac_digest default_protection_profile pending_org_invitations \
             show_origin_survey show_setup_checklist",
            NO_PRODUCT,
        )],
    ),
    Row("UserResponse", USER, &[("password", NOT_SHOWN), ("slack_id picture", NOT_KEPT)]),
    Row(
        "UserRequest",
        USER,
        &[("id verified", OURS_TO_SAY), ("role", "it follows from the groups")],
    ),
    Row("GroupRequest", "name", &[]),
    Row("ServiceAccountRequest", SERVICE_ACCOUNT, &[("id org_id", OURS_TO_SAY)]),
    Row("ServiceAccountResponse", SERVICE_ACCOUNT, &[]),
    Row("ApiKeyRequest", "name groups", &[]),
    Row(
        "ApiKeyResponse",
        "id org_id name masked_key status groups created_by deactivated_by created_at \
         deactivated_at last_used_at",
        &[],
    ),
    Row("AgentRequest", "name mode", &[]),
    Row("AgentCreated", "token", &[]),
    Row(
        "AgentResponse",
        "id token name mode status metadata hostname machine_id kernel_version version goversion \
         compiler platform",
        &[
            ("token", NOT_SHOWN),
            ("metadata machine_id kernel_version", NOT_MEASURED),
            ("goversion compiler", "agents are not written in Go"),
        ],
    ),
    Row("CredentialRequest", "access_duration_seconds", &[]),
    Row(
        "CredentialResponse",
        "id connection_name connection_type connection_subtype connection_credentials session_id \
         has_review review_id expire_at created_at",
        &[
            ("connection_type connection_subtype", "only PostgreSQL has a native port"),
            ("session_id", "a credential opens any number of sessions"),
            ("has_review review_id", "in HeldCredential: who has to wait gets that instead"),
            ("created_at", "it is made now; the list has it"),
        ],
    ),
    Row("HeldCredential", "connection_name has_review review_id", &[]),
    Row(
        "PostgresCredentials",
        "hostname port username password database_name connection_string",
        &[],
    ),
    Row("SessionList", "data total total_is_capped has_next_page", &[]),
    Row(
        "SessionResponse",
        "id org_id script script_size labels integrations_metadata metadata metrics user user_id \
         user_name type connection_subtype connection resource_name role_name connection_tags \
         review verb status exit_code event_stream event_size session_batch_id correlation_id \
         start_date end_date ai_analysis guardrails_info identity_type machine_identity_id",
        &[
            ("script script_size event_stream event_size review", ELSEWHERE),
            ("integrations_metadata metrics", NO_METADATA),
            ("resource_name role_name connection_tags", NO_RESOURCES),
            ("ai_analysis", NO_AI),
            ("guardrails_info", NO_GUARD_RAILS),
            ("identity_type machine_identity_id", "programs are users, and user names them"),
        ],
    ),
    Row("MetadataRequest", "metadata", &[]),
    Row("ReviewRequest", "status time_window force_review rejection_reason", &[]),
    Row("ReviewTimeWindow", "type configuration", &[]),
    Row(
        "ReviewResponse",
        "id session type access_duration status revoke_at created_at review_groups_data \
         time_window access_request_rule_name min_approvals force_approval_groups \
         rejection_reason",
        &[("access_request_rule_name", "a connection has its own rule, which has no name")],
    ),
    Row("ReviewOwner", "id name email slack_id", &[("slack_id", NO_SLACK_IDS)]),
    Row("ReviewGroup", "id group status reviewed_by review_date forced_review", &[]),
    Row("PluginRequest", PLUGIN, &[("id", OURS_TO_SAY)]),
    Row("PluginResponse", PLUGIN, &[]),
    Row("PluginConfig", "id envvars", &[]),
    Row("PluginConnectionRequest", PLUGIN_CONNECTION, &[]),
    Row("PluginConnection", PLUGIN_CONNECTION, &[]),
    Row("PluggedRequest", "config", &[]),
    Row("Health", "liveness", &[]),
    Row("PublicServerInfo", "auth_method setup_required", &[]),
    Row(
        "ServerInfo",
        "version commit_sha log_level go_debug auth_method redact_provider has_redact_credentials \
         has_webhook_app_key has_idp_audience has_idp_custom_scopes has_ask_ai_credentials \
         has_ssh_client_host_key postgres_proxy_enabled api_url grpc_url tenancy_type license_info \
         idp_provider_name disable_sessions_download disable_clipboard_copy_cut analytics_tracking \
         analytics_mode feature_flags",
        &[
            ("commit_sha log_level go_debug", "the version says what runs; logs are no client's"),
            ("redact_provider has_redact_credentials", NO_MASKING),
            ("has_webhook_app_key", "webhooks are channels, which are a list of their own"),
            ("has_idp_custom_scopes idp_provider_name", "auth_method says how people sign in"),
            ("has_ask_ai_credentials", NO_AI),
            ("has_ssh_client_host_key", "there is no SSH"),
            ("postgres_proxy_enabled", "always on: native_pg_address says where"),
            (
                "license_info disable_sessions_download disable_clipboard_copy_cut \
                 analytics_tracking analytics_mode feature_flags",
                NO_PRODUCT,
            ),
        ],
    ),
    Row("RegisterRequest", "email password name", &[]),
    Row(
        "AuditLog",
        "id org_id actor_subject actor_email actor_name created_at resource_type action \
         http_method http_status http_path client_ip request_payload_redacted outcome error_message",
        &[],
    ),
    Row(
        "SearchResponse",
        "errors connections runbooks resources",
        &[("runbooks", ELSEWHERE), ("resources", NO_RESOURCES)],
    ),
];

/// The names of a schema's fields, and of those that it is made of.
fn names(document: &Value, schema: &Value) -> BTreeSet<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return names(document, &document["components"]["schemas"][name]);
    }
    let own = schema["properties"].as_object().into_iter().flat_map(|own| own.keys().cloned());
    let parts = schema["allOf"].as_array().into_iter().flatten();
    own.chain(parts.flat_map(|part| names(document, part))).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn every_name_of_the_contract_is_there_or_left_out_for_a_reason() {
    let document = serde_json::to_value(Document::openapi()).unwrap();
    let mut wrong = Vec::new();
    for Row(schema, contract, left_out) in ROWS {
        let ours = names(&document, &document["components"]["schemas"][schema]);
        assert!(!ours.is_empty(), "there is no schema {schema}");
        let contract = words(contract);
        let excused: BTreeSet<_> = left_out.iter().flat_map(|(names, _)| words(names)).collect();
        for name in contract.difference(&ours).filter(|name| !excused.contains(*name)) {
            wrong.push(format!("{schema} has lost {name}"));
        }
        for name in excused.intersection(&ours) {
            wrong.push(format!("{schema} has {name} now, which is left out here"));
        }
        for name in excused.difference(&contract) {
            wrong.push(format!("{schema} leaves out {name}, which is not the contract's"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
