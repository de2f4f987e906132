//! The whole gateway, end to end, with real parts. In reading order.

mod agents;
mod alone;
mod audit_levels;
mod broken_parts;
mod command_line;
mod command_line_admin;
mod command_line_exec;
mod command_line_sessions;
mod command_line_terminal;
mod command_line_views;
mod commands;
mod crash;
mod doctor;
mod document;
mod drivers;
mod edge_door;
mod ending;
mod evidence;
mod fail_closed;
mod lies;
mod limits;
mod live;
mod metrics;
mod mysql;
mod native_clients;
mod native_logins;
mod notifications;
mod object_store;
mod object_store_outages;
mod one_node;
mod open_session;
mod protocol;
mod recording;
mod refusals;
mod rest_input;
mod resume;
mod reverse_proxy;
mod secret_providers;
mod secret_rotation;
mod settings;
mod sign_in;
mod stream_troubles;
mod taken_away;
mod traces;

/// What tests return: `?` in them shows the whole chain of causes.
type Result<T = (), E = anyhow::Error> = anyhow::Result<T, E>;
