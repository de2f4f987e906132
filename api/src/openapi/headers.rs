//! Headers that many routes read or write, and no handler of its own.

use http::Method;
use utoipa::openapi::{
    Content, HeaderBuilder, Object, ObjectBuilder, RefOr, Required, Response, Schema, Type,
    path::{Operation, ParameterBuilder, ParameterIn},
};

use crate::router::{Access, Route};

/// What has versions, and what else changes it.
const TAGGED: [&str; 10] = [
    "/api/connections/{name}",
    "/api/users/{id}",
    "/api/plugins/{name}",
    "/api/plugins/{name}/config",
    "/api/plugins/{name}/conn/{id}",
    "/api/api-keys/{name}",
    "/api/api-keys/{name}/reactivate",
    "/api/serviceaccounts/{subject}",
    "/api/notifications/channels/{name}",
    "/api/notifications/subscriptions/{name}",
];

/// Whether changes there may say of which version.
pub(super) fn has_versions(route: &Route) -> bool {
    !route.method.is_safe() && TAGGED.contains(&route.path)
}

/// Whether an `Idempotency-Key` counts there.
pub(super) fn may_be_sent_twice(route: &Route) -> bool {
    *route.method == Method::POST && route.access != Access::Public
}

/// Adds the headers that `route` reads and writes.
pub(super) fn add(operation: &mut Operation, route: &Route) {
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && is_array(response)
        {
            link(response);
        }
    }
    if may_be_sent_twice(route) {
        let why = "Of your own, such as a UUID: sent again within 24 hours, the same request is \
                   not done again, and the first answer is given again.";
        parameter(operation, "Idempotency-Key", why);
    }
    if !TAGGED.contains(&route.path) {
        return;
    }
    if *route.method == Method::GET {
        parameter(operation, "If-None-Match", "The etag of what one has.");
        let same = Response::new("it is as it was");
        operation.responses.responses.insert("304".into(), same.into());
    } else {
        let why = "The etag of what is to be changed, as it was read.";
        parameter(operation, "If-Match", why);
    }
}

/// A bare array comes in pages (`paging::Linked`), even where it is one of several answers.
fn is_array(response: &Response) -> bool {
    let array = |schema: &RefOr<Schema>| matches!(schema, RefOr::T(Schema::Array(_)));
    response.content.values().any(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::T(Schema::OneOf(several))), .. }) => {
            several.items.iter().any(array)
        }
        RefOr::T(Content { schema: Some(schema), .. }) => array(schema),
        _ => false,
    })
}

fn link(response: &mut Response) {
    let why = "Where the next page is, if there is one, as RFC 8288 says: \
               `</api/…?limit=…&cursor=…>; rel=\"next\"`.";
    let header = HeaderBuilder::new().description(Some(why)).schema(Some(text())).build();
    response.headers.insert("Link".into(), RefOr::T(header));
}

fn parameter(operation: &mut Operation, name: &str, why: &str) {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(why))
        .schema(Some(text()))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}
