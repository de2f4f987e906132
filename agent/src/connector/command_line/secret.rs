//! What a connection's secrets become for a command: variables and files.

use hoop_domain::Secret;

use crate::{
    connector::{Failure, tcp::Address},
    secrets::Secrets,
};

/// The kinds of secrets, as a prefix of their name; a name without one is a variable.
const VARIABLE: &str = "envvar:";
const FILE: &str = "filesystem:";

/// Long enough for a variable, short enough for a file's name.
const LONGEST_NAME: usize = 128;

/// Where systems keep the authorities that they trust: `psql` has to be told.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Variables, and files whose paths are variables.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) variables: Vec<(String, Secret<String>)>,
    pub(super) files: Vec<(String, Secret<String>)>,
}

impl Given {
    /// Every secret as what its name says.
    pub(super) fn all(secrets: &Secrets) -> Result<Self, Failure> {
        let mut given = Self::default();
        for (name, value) in secrets.all() {
            match name.strip_prefix(FILE) {
                Some(name) => given.files.push((checked(name)?, Secret::new(value.to_owned()))),
                None => {
                    let name = checked(name.strip_prefix(VARIABLE).unwrap_or(name))?;
                    if value.contains('\0') {
                        let what = format_args!("the secret {name} has a NUL character");
                        return Err(Failure::misconfigured(what));
                    }
                    given.variable(&name, value);
                }
            }
        }
        Ok(given)
    }

    /// What libpq reads. The password stands in a file that names the server, so that it
    /// goes to no other, whatever arguments the client adds.
    pub(super) fn postgres(secrets: &Secrets) -> Result<Self, Failure> {
        let Address { host, port } = Address::new(secrets, Some(5432))?;
        let user = required(secrets, "USER")?;
        let database = secrets.text("DB").unwrap_or(user);
        let password = secrets.text("PASS").unwrap_or_default();
        let port = port.to_string();
        let line = [&host, &port, database, user, password].map(field).join(":");
        let mut given = Self::default();
        for (name, value) in [
            ("PGHOST", host.as_str()),
            ("PGPORT", &port),
            ("PGUSER", user),
            ("PGDATABASE", database),
            ("PGSSLMODE", secrets.text("SSLMODE").unwrap_or("prefer")),
            ("PGCONNECT_TIMEOUT", "10"),
            ("PSQL_HISTORY", "/dev/null"),
        ] {
            given.variable(name, one_line(name, value)?);
        }
        one_line("PASS", password)?;
        given.files.push(("PGPASSFILE".into(), Secret::new(line + "\n")));
        if let Some(root) = secrets.text("SSLROOTCERT") {
            given.files.push(("PGSSLROOTCERT".into(), Secret::new(root.to_owned())));
        } else if let Some(system) =
            AUTHORITIES.iter().find(|path| std::path::Path::new(path).is_file())
            && secrets.text("SSLMODE") == Some("verify-full")
        {
            given.variable("PGSSLROOTCERT", system);
        }
        Ok(given)
    }

    /// An option file for `mysql`, whose only way of keeping a password to itself that is.
    pub(super) fn mysql(secrets: &Secrets) -> Result<Self, Failure> {
        let Address { host, port } = Address::new(secrets, Some(3306))?;
        let mut file = String::from("[client]\n");
        for (name, secret, value) in [
            ("host", "HOST", host.as_str()),
            ("port", "PORT", &port.to_string()),
            ("user", "USER", required(secrets, "USER")?),
            ("password", "PASS", secrets.text("PASS").unwrap_or_default()),
        ] {
            let value = one_line(secret, value)?.replace('\\', r"\\").replace('"', "\\\"");
            file.push_str(&format!("{name}=\"{value}\"\n"));
        }
        if let Some(database) = secrets.text("DB") {
            let value = one_line("DB", database)?.replace('\\', r"\\").replace('"', "\\\"");
            file.push_str(&format!("[mysql]\ndatabase=\"{value}\"\n"));
        }
        let mut given = Self::default();
        given.variable("MYSQL_HISTFILE", "/dev/null");
        given.files.push((super::program::MYSQL_OPTIONS.into(), Secret::new(file)));
        Ok(given)
    }

    fn variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), Secret::new(value.to_owned())));
    }
}

/// A name that can be a variable; it can be a file's name then, too, and of no other folder.
fn checked(name: &str) -> Result<String, Failure> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let good = name.len() <= LONGEST_NAME
        && name.bytes().all(known)
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if good {
        return Ok(name.to_owned());
    }
    Err(Failure::misconfigured(format_args!(
        "the secret's name {:?} is not made of letters, digits and '_'",
        name.chars().take(LONGEST_NAME).collect::<String>()
    )))
}

fn required<'a>(secrets: &'a Secrets, name: &str) -> Result<&'a str, Failure> {
    let missing = || Failure::misconfigured(format_args!("{name} is not set"));
    secrets.text(name).ok_or_else(missing)
}

fn one_line<'a>(name: &str, value: &'a str) -> Result<&'a str, Failure> {
    if value.contains(['\0', '\n', '\r']) {
        return Err(Failure::misconfigured(format_args!("{name} has more than one line")));
    }
    Ok(value)
}

/// A field of a password file of libpq.
fn field(value: &str) -> String {
    value.replace('\\', r"\\").replace(':', r"\:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(json: &str) -> Secrets {
        Secrets::parse(json.as_bytes()).unwrap()
    }

    fn shown(list: &[(String, Secret<String>)]) -> Vec<(&str, &str)> {
        list.iter().map(|(name, value)| (name.as_str(), value.reveal().as_str())).collect()
    }

    #[test]
    fn a_prefix_says_what_a_secret_becomes() {
        let json = r#"{"TOKEN":"a","envvar:KEY":"b","filesystem:CERT":"c\n"}"#;
        let given = Given::all(&secrets(json)).unwrap();
        let mut variables = shown(&given.variables);
        variables.sort_unstable();
        assert_eq!(variables, [("KEY", "b"), ("TOKEN", "a")]);
        assert_eq!(shown(&given.files), [("CERT", "c\n")]);
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused_in_words() {
        for name in
            ["filesystem:../CERT", "filesystem:/etc/passwd", "filesystem:..", "A=B", "", "envvar:"]
        {
            let json = serde_json::json!({ name: "s3cret" }).to_string();
            let failure = Given::all(&secrets(&json)).unwrap_err();
            assert!(failure.message.contains("letters, digits"), "{}", failure.message);
            assert!(!failure.message.contains("s3cret"), "{}", failure.message);
        }
    }

    #[test]
    fn a_password_is_kept_to_its_server_and_in_one_field() {
        let json = r#"{"HOST":"db","USER":"app","PASS":"a:b\\c"}"#;
        let given = Given::postgres(&secrets(json)).unwrap();
        assert_eq!(shown(&given.files), [("PGPASSFILE", "db:5432:app:app:a\\:b\\\\c\n")]);
        assert!(shown(&given.variables).contains(&("PGDATABASE", "app")));

        let json = r#"{"HOST":"db","USER":"app","PASS":"a\"b\\#c","DB":"shop"}"#;
        let given = Given::mysql(&secrets(json)).unwrap();
        let [(_, file)] = shown(&given.files)[..] else { panic!("one file was expected") };
        assert!(file.contains("password=\"a\\\"b\\\\#c\"\n"), "{file}");
        assert!(file.ends_with("[mysql]\ndatabase=\"shop\"\n"), "{file}");
        let json = r#"{"HOST":"db","USER":"app","PASS":"a\n[mysqld]"}"#;
        assert!(Given::mysql(&secrets(json)).unwrap_err().message.starts_with("PASS"));
    }
}
