//! The few pages that a person sees while signing in. They work without a script, load
//! nothing, and can't be framed.

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

const STYLE: &str = "
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { display: grid; min-height: 100vh; margin: 0; place-items: center; }
  main { box-sizing: border-box; width: min(24rem, 100vw); padding: 2rem 1.5rem; }
  h1 { margin: 0 0 1rem; font-size: 1.5rem; }
  label { display: block; margin-bottom: 1rem; }
  input { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
  button { padding: .5rem 1.25rem; margin-right: .5rem; font: inherit; cursor: pointer; }
  code { font-size: 1.75rem; letter-spacing: .1em; }
  .wrong { color: #c0262d; }
";

/// A page; its forms may lead to us and to `also`.
struct Page {
    body: String,
    also: String,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{}; \
             frame-ancestors 'none'; base-uri 'none'",
            self.also
        );
        let headers = [
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::REFERRER_POLICY, "same-origin".into()),
            (HeaderName::from_static("x-frame-options"), "DENY".into()),
        ];
        let headers = headers.map(|(name, value): (HeaderName, String)| {
            (name, HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("")))
        });
        let title = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>hoop</title>";
        let html = format!("{title}<style>{STYLE}</style><main>{}</main></html>", self.body);
        (headers, Html(html)).into_response()
    }
}

fn page(body: String) -> Page {
    Page { body, also: String::new() }
}

/// The form for an address and a password.
pub(super) fn sign_in(destination: &str, wrong: Option<&str>) -> impl IntoResponse + use<> {
    let wrong = wrong.map_or_else(String::new, |why| {
        format!("<p class=\"wrong\" role=\"alert\">{}</p>", escaped(why))
    });
    page(format!(
        "<h1>Sign in to hoop</h1>{wrong}<form method=\"post\" action=\"/api/login/form\">\
         <input type=\"hidden\" name=\"redirect\" value=\"{}\">\
         <label>E-mail address <input name=\"email\" type=\"email\" autocomplete=\"username\" \
         required autofocus></label>\
         <label>Password <input name=\"password\" type=\"password\" \
         autocomplete=\"current-password\" required></label>\
         <label>Code, if you have an authenticator <input name=\"code\" inputmode=\"numeric\" \
         autocomplete=\"one-time-code\"></label>\
         <button>Sign in</button></form>",
        escaped(destination)
    ))
}

/// Whether a program may act for the person.
pub(super) fn hand_over(
    code: &str,
    client: &str,
    email: &str,
    port: Option<u16>,
) -> impl IntoResponse + use<> {
    let (code, client, email) = (escaped(code), escaped(client), escaped(email));
    let body = format!(
        "<h1>Sign in the command line?</h1><p>A terminal at {client} shows a code. Is it this \
         one?</p><p><code>{code}</code></p><p>If so, it will act as <b>{email}</b> for 12 hours. \
         If you did not run <b>hoop login</b> just now, deny.</p>\
         <form method=\"post\" action=\"/api/login/device\">\
         <input type=\"hidden\" name=\"user_code\" value=\"{code}\">\
         <button name=\"answer\" value=\"allow\">Allow</button>\
         <button name=\"answer\" value=\"deny\">Deny</button></form>"
    );
    // Where the command line waits for the browser to come by.
    let also = port.map_or_else(String::new, |port| format!(" http://127.0.0.1:{port}"));
    Page { body, also }
}

/// Asks for the code that a terminal shows.
pub(super) fn ask_for_code() -> impl IntoResponse {
    page(
        "<h1>Sign in the command line</h1><form method=\"get\" action=\"/api/login/device\">\
         <label>Code <input name=\"user_code\" autocomplete=\"off\" required autofocus></label>\
         <button>Next</button></form>"
            .into(),
    )
}

/// It is done.
pub(super) fn done(sentence: &str) -> impl IntoResponse + use<> {
    page(format!("<h1>Done</h1><p>{}</p>", escaped(sentence)))
}

/// It did not work.
pub(super) fn failed(why: &str) -> impl IntoResponse + use<> {
    page(format!(
        "<h1>Not signed in</h1><p class=\"wrong\" role=\"alert\">{}</p>\
         <p><a href=\"/api/login\">Sign in again</a></p>",
        escaped(why)
    ))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// As a value in a query.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_say_is_shown_and_not_obeyed() {
        assert_eq!(escaped("<script>'\"&\u{1b}"), "&lt;script&gt;&#39;&quot;&amp;");
        assert_eq!(encoded("/a b&c"), "/a%20b%26c");
    }
}
