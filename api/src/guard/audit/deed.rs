//! What a route does to what, in two words: `connections`, `create`.

use axum::http::Method;

/// Last words of paths that say what is done, and not to what.
const VERBS: [&str; 17] = [
    "callback",
    "config",
    "confirm",
    "disable",
    "download",
    "evidence",
    "exec",
    "kill",
    "login",
    "logout",
    "reactivate",
    "redrive",
    "register",
    "revoke",
    "rotate",
    "tail",
    "test",
];

/// Those that concern somebody's way in.
const ENTRIES: [&str; 4] = ["callback", "login", "logout", "register"];

/// The resource and the action of a route, which is a path with `{parameters}`.
pub(super) fn of(method: &Method, route: &'static str) -> (&'static str, &'static str) {
    let mut words = route.split('/').filter(|word| !word.is_empty() && !word.starts_with('{'));
    let last = words.next_back().unwrap_or_default();
    if ENTRIES.contains(&last) {
        return ("authentication", last);
    }
    if VERBS.contains(&last) {
        return (words.next_back().unwrap_or_default(), last);
    }
    let action = match method.as_str() {
        "GET" => "read",
        "POST" => "create",
        "PUT" | "PATCH" => "update",
        "DELETE" => "delete",
        _ => "other",
    };
    (last, action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_two_words() {
        for (method, route, expected) in [
            (Method::POST, "/api/connections", ("connections", "create")),
            (Method::PUT, "/api/users/{id}", ("users", "update")),
            (Method::POST, "/api/users/{id}/tokens", ("tokens", "create")),
            (Method::DELETE, "/api/users/{id}/tokens/{token}", ("tokens", "delete")),
            (Method::POST, "/api/sessions/{id}/kill", ("sessions", "kill")),
            (Method::GET, "/api/sessions/{id}/download", ("sessions", "download")),
            (Method::PUT, "/api/plugins/{name}/config", ("plugins", "config")),
            (Method::POST, "/api/localauth/login", ("authentication", "login")),
        ] {
            assert_eq!(of(&method, route), expected, "{method} {route}");
        }
    }
}
