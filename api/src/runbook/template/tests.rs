//! What a runbook means, and what hostile ones and hostile values come to.

use super::*;

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn filled(text: &str, pairs: &[(&str, &str)]) -> Result<String, String> {
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    let filled = template.fill_in(&values(pairs), Quoting::Postgres);
    filled.map_err(|error| error.to_string())
}

#[test]
fn places_are_filled_in_and_the_rest_stays_as_it_is() {
    for (text, expect) in [
        ("", ""),
        ("select 1; -- } }} { %s $1", "select 1; -- } }} { %s $1"),
        ("{{.a}}-{{ .a }}-{{ .missing }}", "x-x-"),
        ("{{ .a | description \"which\" | placeholder `e\"g` | order 3 }}", "x"),
        ("{{ .missing | default \"{{ .a }}\" }}", "{{ .a }}"),
        ("a \n {{- .a -}} \n b", "axb"),
        ("a {{/* } .a \" */}} b {{- /* c */ -}} d", "a  bd"),
        ("{{ .a | default \"a \\\"b\\\" \\\\ \\n\" }}", "x"),
        ("{{ .missing | default \"a \\\"b\\\" \\\\ \\n\" }}", "a \"b\" \\ \n"),
        ("ä{{ .a }}ö", "äxö"),
    ] {
        assert_eq!(filled(text, &[("a", "x")]).as_deref(), Ok(expect), "{text}");
    }
}

#[test]
fn what_is_no_runbook_is_refused_with_its_line() {
    let long = format!("{{{{ .{} }}}}", "x".repeat(65));
    let many = "{{.a}}".repeat(MOST_PLACES + 1);
    for (text, why) in [
        ("{{", "line 1: '{{' is not closed"),
        ("a\nb\n{{ .a", "line 3: '{{' is not closed"),
        ("{{ .a }", "line 1: '}' is not understood"),
        ("{{ .a | default \"}}", "line 1: a text is not closed"),
        ("{{ .a | default \"\n\" }}", "line 1: a text is not closed"),
        ("{{ .a | default `}}", "line 1: a text is not closed"),
        ("{{ .a | default \"\\x41\" }}", "line 1: in a text"),
        ("{{/* never", "line 1: a comment is closed"),
        ("{{/* a */ .a }}", "line 1: a comment is closed"),
        ("{{}}", "line 1: only {{ .name"),
        ("{{ if .a }}x{{ end }}", "line 1: only {{ .name"),
        ("{{ template \"/etc/passwd\" }}", "line 1: only {{ .name"),
        ("{{ .a.b }}", "line 1: after .a"),
        ("{{ . }}", "line 1: a name has"),
        ("{{ .1 }}", "line 1: a name has"),
        (long.as_str(), "line 1: a name has"),
        ("{{ .a \"b\" }}", "line 1: after .a"),
        ("{{ .a | }}", "line 1: after '|'"),
        ("{{ .a | | squote }}", "line 1: after '|'"),
        ("{{ .a | env }}", "line 1: 'env' is no function"),
        ("{{ .a | asenv \"A\" }}", "line 1: 'asenv' is not done"),
        ("{{ .a | required }}", "line 1: 'required' takes one text"),
        ("{{ .a | required \"a\" \"b\" }}", "line 1: 'required' takes one text"),
        ("{{ .a | options }}", "line 1: 'options' names"),
        ("{{ .a | maxlength \"-1\" }}", "line 1: 'maxlength' takes one number"),
        ("{{ .a | maxlength 99999999999999999999999 }}", "line 1: 'maxlength' takes one number"),
        ("{{ .a | type \"script\" }}", "line 1: 'type' is one of"),
        ("{{ .a | squote \"b\" }}", "line 1: 'squote' takes no"),
        ("{{ .a | squote | options \"b\" }}", "line 1: 'options' comes before"),
        ("{{ .a | squote | default \"b\" }}", "line 1: 'default' comes before"),
        ("{{ $a := .b }}", "line 1: '$' is not understood"),
        (many.as_str(), "line 1: there are more than"),
    ] {
        let refused = filled(text, &[]).unwrap_err();
        assert!(refused.starts_with(why), "{refused}");
    }
}

#[test]
fn a_value_has_to_be_what_the_runbook_asks_for() {
    for (functions, value, expect) in [
        ("required \"which one?\"", "", Err("is required: which one?")),
        ("required \"\"", "", Err("is required")),
        ("required \"which one?\"", "x", Ok("x")),
        ("default \"d\" | required \"\"", "", Ok("d")),
        ("required \"\" | default \"d\"", "", Err("is required")),
        ("options \"a\" \"b\"", "b", Ok("b")),
        ("options \"a\" \"b\"", "c", Err("is one of a, b")),
        ("options \"a\" \"b\"", "", Err("is one of a, b")),
        ("options \"a\" \"\"", "", Ok("")),
        ("options \"a\" \"b\" | default \"a\"", "", Ok("a")),
        ("default \"a\" | options \"a\" \"b\"", "", Ok("a")),
        ("options \"a\" \"b\" | default \"c\"", "", Err("is one of a, b")),
        ("default \"c\" | default \"d\"", "", Ok("c")),
        ("type \"number\"", "1.5", Ok("1.5")),
        ("type \"number\"", "", Err("is a number")),
        ("type \"number\" | default \"7\"", "", Ok("7")),
        ("type \"number\"", "1; drop table customers", Err("is a number")),
        ("type \"number\"", "inf", Err("is a number")),
        ("type \"date\"", "2026-01-01", Ok("2026-01-01")),
        ("minlength 2 | maxlength 3", "äö", Ok("äö")),
        ("minlength 2 | maxlength 3", "ä", Err("has at least 2 characters")),
        ("minlength 2 | maxlength 3", "", Err("has at least 2 characters")),
        ("minlength 2 | maxlength 3", "abcd", Err("has at most 3 characters")),
        ("encodeb64", "hi", Ok("aGk=")),
        ("decodeb64", "aGk=", Ok("hi")),
        ("decodeb64", "*", Err("is no text in base64")),
        ("decodeb64", "AA==", Err("is no text in base64")),
        ("squote", "a\0b", Err("has no NUL")),
    ] {
        let expect = expect.map(str::to_owned).map_err(|why| format!("the parameter a {why}"));
        assert_eq!(filled(&format!("{{{{ .a | {functions} }}}}"), &[("a", value)]), expect);
    }
}

#[test]
fn a_negative_number_begins_no_comment() {
    let text = "-{{ .a | type \"number\" }} {{ .a | type \"number\" | squote }}";
    let template = Template::parse(text).unwrap();
    for (quoting, expect) in [
        (Quoting::Postgres, "-(-1) '-1'"),
        (Quoting::Mysql, "-(-1) '-1'"),
        (Quoting::Shell, "--1 '-1'"),
    ] {
        let filled = template.fill_in(&values(&[("a", "-1")]), quoting);
        assert_eq!(filled.as_deref(), Ok(expect), "{quoting:?}");
    }
    assert_eq!(filled(text, &[("a", "1")]).as_deref(), Ok("-1 '1'"));
}

#[test]
fn nothing_in_a_value_ends_its_quotes() {
    let hostile = r#"' " \ \' $(id) `id` ''"#;
    for (quoting, single, double) in [
        (Quoting::Postgres, r#" E''' " \\ \\'' $(id) `id` '''''"#, r#""' "" \ \' $(id) `id` ''""#),
        (Quoting::Mysql, r#"''' " \\ \\'' $(id) `id` '''''"#, r#""' "" \\ \\' $(id) `id` ''""#),
        (
            Quoting::Shell,
            r#"''\'' " \ \'\'' $(id) `id` '\'''\'''"#,
            r#""' \" \\ \\' \$(id) \`id\` ''""#,
        ),
    ] {
        let values = values(&[("a", hostile)]);
        for (function, expect) in [("squote", single), ("dquote", double)] {
            let template = Template::parse(&format!("{{{{ .a | {function} }}}}")).unwrap();
            assert_eq!(template.fill_in(&values, quoting).as_deref(), Ok(expect), "{quoting:?}");
        }
    }
}

#[test]
fn a_backslash_means_the_same_in_every_postgres() {
    for (value, expect) in
        [("it's", "x'it''s'"), (r"\", r"x E'\\'"), (r"\' or true --", r"x E'\\'' or true --'")]
    {
        assert_eq!(filled("x{{ .a | squote }}", &[("a", value)]).as_deref(), Ok(expect));
    }
}

#[test]
fn a_value_is_filled_in_once_and_never_read() {
    let hostile = "{{ .b }} {{ .a }} {{";
    let both = [("a", hostile), ("b", "secret")];
    assert_eq!(filled("{{ .a }}", &both).as_deref(), Ok(hostile));
}

#[test]
fn what_is_filled_in_has_a_bound() {
    let long = "x".repeat(MOST_INPUT);
    assert_eq!(filled("{{ .a }}", &[("a", long.as_str())]).map(|text| text.len()), Ok(MOST_INPUT));
    for text in ["{{ .a }}.", "{{ .a | squote }}", "{{ .a }}{{ .a }}{{ .a }}"] {
        let refused = filled(text, &[("a", long.as_str())]).unwrap_err();
        assert!(refused.contains("at most 256 KiB"), "{refused}");
    }
}

#[test]
fn a_value_has_a_bound_after_each_step() {
    // In base64 it is longer than that, and at the end it is not.
    let long = "x".repeat(MOST_INPUT - 1);
    let pairs = [("a", long.as_str())];
    assert_eq!(filled("{{ .a }}", &pairs).as_deref(), Ok(long.as_str()));
    let refused = filled("{{ .a | encodeb64 | decodeb64 }}", &pairs).unwrap_err();
    assert!(refused.contains("at most 256 KiB"), "{refused}");
    let quotes = " | squote".repeat(64);
    let refused = filled(&format!("{{{{ .a{quotes} }}}}"), &[("a", "'")]).unwrap_err();
    assert!(refused.contains("at most 256 KiB"), "{refused}");
}

#[test]
fn parameters_are_described_by_what_is_said_first() {
    let text = "{{ .a | description \"first\" | required \"\" | order 2 }}
        {{ .a | description \"second\" | default \"d\" }}
        {{ .b | options \"x\" \"y\" | placeholder \"p\" }} {{ .c | type \"number\" }} {{ .d }}";
    let template = Template::parse(text).unwrap();
    let parameters = template.parameters();
    assert_eq!(parameters.keys().copied().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    let a = Parameter {
        description: "first".into(),
        required: true,
        kind: "text".into(),
        default: "d".into(),
        order: Some(2),
        ..Parameter::default()
    };
    assert_eq!(parameters["a"], a);
    assert_eq!((parameters["b"].kind.as_str(), parameters["b"].options.len()), ("select", 2));
    assert_eq!(parameters["b"].placeholder, "p");
    assert_eq!((parameters["c"].kind.as_str(), parameters["d"].kind.as_str()), ("number", "text"));
}
