//! Whether a client that was made for one document works with another.
//!
//! What is asked for may become less and what is answered may become more, never the other
//! way round. An answer of another kind is more, too, where a parameter that is new asks for it:
//! who does not know the parameter gets what they know.

use serde_json::Value;

/// Which way a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Asked,
    Answered,
}

/// Nested schemas are looked at so deep; ours are not that deep, and may be recursive.
const DEEPEST: usize = 12;

/// What clients of `old` would stumble over in `new`.
pub(super) fn broken(old: &Value, new: &Value) -> Vec<String> {
    let mut promise = Promise { old, new, broken: Vec::new() };
    for (path, item) in members(&old["paths"]) {
        for (method, before) in members(item) {
            let place = format!("{} {path}", method.to_uppercase());
            match new["paths"][path].get(method) {
                Some(after) => promise.operation(&place, before, after),
                None => promise.broken.push(format!("{place} is gone")),
            }
        }
    }
    promise.broken
}

struct Promise<'a> {
    old: &'a Value,
    new: &'a Value,
    broken: Vec<String>,
}

impl Promise<'_> {
    fn operation(&mut self, place: &str, before: &Value, after: &Value) {
        self.parameters(place, before, after);
        let body = |operation: &Value| {
            let content = members(&operation["requestBody"]["content"]);
            content.map(|(_, content)| content["schema"].clone()).next()
        };
        match (body(before), body(after)) {
            (Some(old), Some(new)) => self.schema(place, &old, &new, Way::Asked, 0),
            (None, Some(_)) if after["requestBody"]["required"] == true => {
                self.broken.push(format!("{place} wants a body now"));
            }
            _ => {}
        }
        for (status, answer) in members(&before["responses"]) {
            let good = status.starts_with('2') || status.starts_with('3');
            let Some(now) = after["responses"].get(status) else {
                if good {
                    self.broken.push(format!("{place} does not answer {status} any more"));
                }
                continue;
            };
            for (kind, content) in members(&answer["content"]) {
                let place = format!("{place} {status}");
                match now["content"].get(kind) {
                    Some(now) => {
                        let (was, is) = (&content["schema"], &now["schema"]);
                        let same = self.same_kind(was, is).filter(|_| may_ask_more(before, after));
                        self.schema(&place, was, same.unwrap_or(is), Way::Answered, 0);
                    }
                    None => self.broken.push(format!("{place} is not {kind} any more")),
                }
            }
        }
    }

    fn parameters(&mut self, place: &str, before: &Value, after: &Value) {
        let find = |all: &Value, name: &Value, at: &Value| {
            let mut all = all["parameters"].as_array().into_iter().flatten();
            all.find(|it| it["name"] == *name && it["in"] == *at).cloned()
        };
        for old in before["parameters"].as_array().into_iter().flatten() {
            let place = format!("{place} parameter {}", old["name"]);
            match find(after, &old["name"], &old["in"]) {
                Some(new) => self.schema(&place, &old["schema"], &new["schema"], Way::Asked, 0),
                None => self.broken.push(format!("{place} is gone")),
            }
        }
        for new in after["parameters"].as_array().into_iter().flatten() {
            let known = find(before, &new["name"], &new["in"]);
            let was = known.is_some_and(|old| old["required"] == true);
            if new["required"] == true && !was {
                self.broken.push(format!("{place} parameter {} is required now", new["name"]));
            }
        }
    }

    /// The one of several new schemas that is of the old one's type.
    fn same_kind<'n>(&self, old: &Value, new: &'n Value) -> Option<&'n Value> {
        let kind = resolved(self.old, old)["type"].clone();
        new["oneOf"].as_array()?.iter().find(|one| resolved(self.new, one)["type"] == kind)
    }

    fn schema(&mut self, place: &str, old: &Value, new: &Value, way: Way, depth: usize) {
        if depth == DEEPEST {
            return;
        }
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        if old.get("type") != new.get("type") {
            let (was, is) = (old.get("type"), new.get("type"));
            self.broken.push(format!("{place} was {was:?} and is {is:?}"));
            return;
        }
        if let (Some(was), Some(is)) = (old["enum"].as_array(), new["enum"].as_array()) {
            let (from, to) = if way == Way::Asked { (was, is) } else { (is, was) };
            for value in from.iter().filter(|value| !to.contains(value)) {
                self.broken.push(format!("{place} {value} is not a value of both"));
            }
        }
        let required = |schema: &Value, name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name))
        };
        for (name, was) in members(&old["properties"]) {
            let place = format!("{place} .{name}");
            let Some(is) = new["properties"].get(name) else {
                self.broken.push(format!("{place} is gone"));
                continue;
            };
            self.schema(&place, was, is, way, depth + 1);
            if way == Way::Answered && required(&old, name) && !required(&new, name) {
                self.broken.push(format!("{place} may be left out now"));
            }
        }
        for (name, _) in members(&new["properties"]) {
            if way == Way::Asked && required(&new, name) && !required(&old, name) {
                self.broken.push(format!("{place} .{name} is required now"));
            }
        }
        for was in old["oneOf"].as_array().into_iter().flatten() {
            match self.same_kind(was, &new) {
                Some(is) => self.schema(place, was, is, way, depth + 1),
                None => self.broken.push(format!("{place} has lost one of its kinds")),
            }
        }
        if old.get("items").is_some() {
            self.schema(&format!("{place} []"), &old["items"], &new["items"], way, depth + 1);
        }
    }
}

/// Whether something in the query may be asked for that was not there.
fn may_ask_more(before: &Value, after: &Value) -> bool {
    let names = |operation: &Value| {
        let all = operation["parameters"].as_array().into_iter().flatten();
        let queried = all.filter(|it| it["in"] == "query");
        queried.map(|it| it["name"].clone()).collect::<Vec<_>>()
    };
    let known = names(before);
    names(after).iter().any(|name| !known.contains(name))
}

fn resolved(document: &Value, schema: &Value) -> Value {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.map_or_else(|| schema.clone(), |name| document["components"]["schemas"][name].clone())
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn document(asked: &Value, answered: &Value) -> Value {
        json!({"paths": {"/a": {"post": {
            "requestBody": {"content": {"application/json": {"schema": asked}}},
            "responses": {"200": {"content": {"application/json": {"schema": answered}}}}}}}})
    }

    fn fields(names: &[&str], required: &[&str]) -> Value {
        let string = json!({"type": "string"});
        let properties: Map<_, _> =
            names.iter().map(|name| ((*name).into(), string.clone())).collect();
        json!({"type": "object", "properties": properties, "required": required})
    }

    #[test]
    fn less_may_be_asked_and_more_answered_and_not_the_other_way_round() {
        let (one, two) = (fields(&["a"], &["a"]), fields(&["a", "b"], &["a", "b"]));
        let more = fields(&["a", "b"], &["a"]);
        let before = document(&one, &one);
        assert!(broken(&before, &document(&more, &two)).is_empty());
        assert_eq!(broken(&before, &document(&two, &one)), ["POST /a .b is required now"]);
        assert_eq!(broken(&document(&one, &two), &before), ["POST /a 200 .b is gone"]);
        assert_eq!(broken(&before, &json!({"paths": {}})), ["POST /a is gone"]);
        let other = document(&json!({"type": "array"}), &one);
        assert_eq!(broken(&before, &other).len(), 1);
    }

    #[test]
    fn another_kind_of_answer_is_for_those_who_ask_for_it() {
        let (array, object) = (json!({"type": "array", "items": {}}), fields(&["a"], &["a"]));
        let either = json!({"oneOf": [array, object]});
        let before = document(&json!({}), &array);
        let mut after = document(&json!({}), &either);
        assert_eq!(broken(&before, &after).len(), 1, "nobody asked for it");
        after["paths"]["/a"]["post"]["parameters"] = json!([{"name": "page", "in": "query"}]);
        assert!(broken(&before, &after).is_empty());
        let lost = document(&json!({}), &json!({"oneOf": [object]}));
        assert_eq!(broken(&after, &lost).len(), 2, "its parameter and the array are gone");
    }
}
