//! What a path asks for, told by its words before any file is looked at.

use percent_encoding::percent_decode_str;

/// The shortest hash that a name is taken to have.
const HASH: usize = 8;

/// A path that the interface may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// If it is no file, it is a page that the interface draws by itself, from its first.
    pub(super) page: bool,
    /// Its name has a hash of what is in it.
    pub(super) hashed: bool,
}

impl Asked {
    /// `None` for what is the API's, hidden, leads upwards, or can't be a name.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.first() == Some(&"api") || !parts.iter().copied().all(is_plain) {
            return None;
        }
        let name = parts.last().copied().unwrap_or_default();
        let page = !name.contains('.');
        let of_a_build = parts.first() == Some(&"assets");
        Some(Self { page, hashed: !page && of_a_build && is_hashed(name) })
    }
}

fn is_plain(part: &str) -> bool {
    !part.starts_with('.') && !part.contains(|c: char| c.is_control() || c == '\\')
}

/// Whether a name is like `app-4f9c2b1a.js` or `app.4f9c2b1a.css`. What is taken for no hash is
/// only asked for more often, so a word alone is none, nor is a date.
fn is_hashed(name: &str) -> bool {
    name.split(['-', '.']).skip(1).any(|part| {
        HASH <= part.len()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && part.contains(|c: char| c.is_ascii_digit())
            && part.contains(|c: char| c.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_no_dot_in_its_last_part_and_a_file_has() {
        let page = |path| Asked::of(path).unwrap().page;
        for path in ["/", "", "/sessions/1", "/v1.2/sessions", "/assets/", "/a%20b", "/apis"] {
            assert!(page(path), "{path}");
        }
        for path in ["/app.js", "/assets/app.css", "/assets/app.css/", "/app%2ejs"] {
            assert!(!page(path), "{path}");
        }
    }

    #[test]
    fn what_is_the_apis_or_hidden_or_leads_upwards_is_not_the_interfaces() {
        let api = ["/api", "/api/", "/api/nothing", "//api/users", "/%61pi/users", "/api%2fusers"];
        let hidden =
            ["/.env", "/%2eenv", "/.git/config", "/assets%2f.git/config", "/a/.well-known"];
        let odd =
            ["/..", "/a/../b", "/%2e%2e/b", "/a%2f..%2fb", "/..%5cb", "/a%00", "/%ff", "/a%0a"];
        for path in api.into_iter().chain(hidden).chain(odd) {
            assert_eq!(Asked::of(path), None, "{path}");
        }
    }

    #[test]
    fn a_hash_is_in_the_name_of_a_file_of_the_build() {
        let hashed = |path| Asked::of(path).unwrap().hashed;
        for path in [
            "/assets/app-4f9c2b1a.js",
            "/assets/app-4f9c2b1a.js.map",
            "/assets/fonts/app.D1wrgT_a.css",
        ] {
            assert!(hashed(path), "{path}");
        }
        for path in [
            "/app-4f9c2b1a.js",
            "/assets/app.js",
            "/assets/4f9c2b1a.js",
            "/assets/Inter-SemiBold.woff2",
            "/assets/photo-20260101.png",
            "/assets/app-4f9c2b1a",
            "/assets-4f9c2b1a.js",
        ] {
            assert!(!hashed(path), "{path}");
        }
    }
}
