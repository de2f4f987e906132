//! What of an identity provider's words becomes an address and a name here.

/// The longest that is kept.
const LONGEST: usize = 128;

/// An e-mail address as users have it, if it is one.
pub(crate) fn address(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let fit = email.contains('@') && email.len() <= LONGEST && !email.contains(char::is_control);
    fit.then_some(email)
}

/// A name as it can be shown.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_lower_case_and_a_name_can_be_shown() {
        assert_eq!(address(" Ann@Example.com\n").as_deref(), Some("ann@example.com"));
        for wrong in ["ann", "", "a@b\u{1b}c", &format!("{}@b", "a".repeat(128))] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
        assert_eq!(shown("Ann\u{1b}[31m"), "Ann[31m");
    }
}
