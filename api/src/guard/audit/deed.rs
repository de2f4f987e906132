//! What a route does to what, in two words: `connections`, `create`.

use axum::http::Method;

/// Last words of paths that say what is done, and not to what.
const VERBS: [&str; 16] = [
    "config",
    "confirm",
    "conn",
    "disable",
    "download",
    "evidence",
    "exec",
    "kill",
    "metadata",
    "reactivate",
    "redrive",
    "review",
    "revoke",
    "rotate",
    "tail",
    "test",
];

/// Words of a path that concern somebody's way in, wherever they are: a form, a program's code and
/// an identity provider's answer are ways to sign in like any other.
const ENTRIES: [&str; 4] = ["callback", "login", "logout", "register"];

/// The resource and the action of a route, which is a path with `{parameters}`.
pub(super) fn of(method: &Method, route: &'static str) -> (&'static str, &'static str) {
    let mut words = route.split('/').filter(|word| !word.is_empty() && !word.starts_with('{'));
    if let Some(entry) = words.clone().find(|word| ENTRIES.contains(word)) {
        return ("authentication", entry);
    }
    let last = words.next_back().unwrap_or_default();
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
    use crate::router::ROUTES;

    #[test]
    fn a_route_is_two_words() {
        for (method, route, expected) in [
            (Method::POST, "/api/connections", ("connections", "create")),
            (Method::PUT, "/api/users/{id}", ("users", "update")),
            (Method::POST, "/api/users/{id}/tokens", ("tokens", "create")),
            (Method::DELETE, "/api/users/{id}/tokens/{token}", ("tokens", "delete")),
            (Method::POST, "/api/sessions/{id}/kill", ("sessions", "kill")),
            (Method::PUT, "/api/sessions/{id}/review", ("sessions", "review")),
            (Method::GET, "/api/sessions/{id}/download", ("sessions", "download")),
            (Method::PATCH, "/api/sessions/{id}/metadata", ("sessions", "metadata")),
            (Method::PATCH, "/api/connections/{name}", ("connections", "update")),
            (Method::PUT, "/api/plugins/{name}/config", ("plugins", "config")),
            (Method::DELETE, "/api/plugins/{name}/conn/{id}", ("plugins", "conn")),
            (Method::POST, "/api/localauth/login", ("authentication", "login")),
        ] {
            assert_eq!(of(&method, route), expected, "{method} {route}");
        }
    }

    #[test]
    fn all_ways_in_and_out_are_filed_under_one_resource_and_nothing_else_is() {
        let filed: Vec<_> = ROUTES
            .iter()
            .filter(|route| route.audited)
            .map(|route| (route.method.as_str(), route.path, of(route.method, route.path)))
            .filter(|(.., (resource, _))| *resource == "authentication")
            .map(|(method, path, (_, action))| (method, path, action))
            .collect();
        assert_eq!(
            filed,
            [
                ("POST", "/api/login", "login"),
                ("POST", "/api/login/form", "login"),
                ("GET", "/api/callback", "callback"),
                ("POST", "/api/login/device", "login"),
                ("POST", "/api/logout", "logout"),
                ("POST", "/api/localauth/login", "login"),
                ("POST", "/api/localauth/register", "register"),
                ("POST", "/api/saml/callback", "callback"),
                ("GET", "/api/saml/callback", "callback"),
            ]
        );
    }
}
