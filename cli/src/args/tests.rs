//! What is understood and what is not.

use std::time::Duration;

use clap::CommandFactory;

use super::*;

fn typed(line: &str) -> Result<Args, clap::Error> {
    Args::try_parse_from(line.split(' '))
}

#[test]
fn the_arguments_are_well_defined() {
    Args::command().debug_assert();
}

#[test]
fn every_help_has_an_example() {
    fn look(command: &clap::Command, path: &str) {
        if command.get_name() != "help" && !command.is_hide_set() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Example"), "{path} has no example");
        }
        for below in command.get_subcommands() {
            look(below, &format!("{path} {}", below.get_name()));
        }
    }
    look(&Args::command(), "hoop");
}

#[test]
fn the_output_format_may_stand_anywhere() {
    for line in ["-o json sessions list", "sessions list -o json", "sessions list --json"] {
        assert_eq!(typed(&format!("hoop {line}")).unwrap().format(), Format::Json);
    }
    assert_eq!(typed("hoop list -o wide").unwrap().format(), Format::Wide);
}

#[test]
fn a_resource_and_its_name_may_be_one_word() {
    for (line, expected) in [
        ("hoop admin get agents/dev", "hoop admin get agents dev"),
        ("hoop -o json admin delete agent/dev", "hoop -o json admin delete agent dev"),
        ("hoop admin get connections/a/b", "hoop admin get connections a/b"),
        ("hoop admin test connection/pg", "hoop admin test connection pg"),
        ("hoop admin redrive channels/mail", "hoop admin redrive channels mail"),
        ("hoop exec get a/b", "hoop exec get a/b"),
        ("hoop admin get agents", "hoop admin get agents"),
    ] {
        let spread = spread(line.split(' ').map(Into::into).collect());
        assert_eq!(spread, expected.split(' ').map(OsString::from).collect::<Vec<_>>());
    }
}

#[test]
fn a_login_is_in_a_browser_or_with_an_address_or_a_token() {
    for one in ["", "--no-browser", "--token t", "--email a@b"] {
        assert!(typed(format!("hoop login {one}").trim()).is_ok(), "{one}");
    }
    assert!(typed("hoop login --email a@b --token t").is_err());
    assert!(typed("hoop login --no-browser --email a@b").is_err());
}

#[test]
fn what_follows_two_dashes_belongs_to_the_remote_command() {
    let Command::Exec(exec) = typed("hoop exec bash -- -c ls -o json").unwrap().command else {
        panic!("not exec");
    };
    assert_eq!(exec.arguments, ["-c", "ls", "-o", "json"]);
    assert!(typed("hoop exec bash -i a -f b").is_err());
}

#[test]
fn a_runbook_is_filled_in_with_names_and_values() {
    let line = "hoop runbooks run pg a/b.runbook.sql -p a=1=2 --parameter b= --wait";
    let Command::Runbooks(Runbooks::Run(wanted)) = typed(line).unwrap().command else {
        panic!("not a run");
    };
    assert_eq!((wanted.file.as_str(), wanted.wait), ("a/b.runbook.sql", true));
    let filled_in = [("a", "1=2"), ("b", "")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(wanted.parameters, filled_in);
    for wrong in ["hunter2", "=hunter2"] {
        let refused = typed(&format!("hoop runbooks run pg a.runbook.sql -p {wrong}")).unwrap_err();
        assert!(refused.to_string().contains("NAME=VALUE"), "{refused}");
    }
}

#[test]
fn a_replay_has_a_speed_and_a_longest_pause() {
    let line = "hoop sessions replay x --speed 4 --max-idle 250ms";
    let Command::Sessions(Sessions::Replay(replay)) = typed(line).unwrap().command else {
        panic!("not replay");
    };
    assert_eq!(replay.max_idle, Some(Duration::from_millis(250)));
    for wrong in ["--speed 0", "--speed -1", "--speed nan", "--max-idle 5", "--max-idle soon"] {
        assert!(typed(&format!("hoop sessions replay x {wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn an_approval_has_both_ends_of_its_hours_or_neither() {
    assert!(typed("hoop review approve x").is_ok());
    assert!(typed("hoop review approve x --from 22:00 --to 06:00").is_ok());
    assert!(typed("hoop review approve x --from 22:00").is_err());
    assert!(typed("hoop review approve x --to 06:00").is_err());
}

#[test]
fn what_is_deleted_goes_by_the_plural_too() {
    let kinds = [
        "agent",
        "connection",
        "user",
        "group",
        "api-key",
        "serviceaccount",
        "plugin",
        "channel",
        "subscription",
    ];
    for kind in kinds {
        for line in [format!("hoop admin delete {kind} x"), format!("hoop admin delete {kind}s x")]
        {
            assert!(typed(&line).is_ok(), "{line}");
        }
    }
}

#[test]
fn sessions_are_counted_or_listed_in_pages() {
    for line in ["--count --since 2h", "--limit 5 --cursor x", "--type database --agent dev"] {
        assert!(typed(&format!("hoop sessions list {line}")).is_ok(), "{line}");
    }
    for line in ["--count --limit 5", "--since yesterday", "--until 25:00"] {
        assert!(typed(&format!("hoop sessions list {line}")).is_err(), "{line}");
    }
}

#[test]
fn one_session_or_many_are_had_of_the_administrator_too() {
    let got = |line: &str| {
        let Command::Admin(admin) = typed(line).unwrap().command else { panic!("not admin") };
        let Admin::Get(Get::Sessions(wanted)) = *admin else { panic!("not sessions") };
        (wanted.id, wanted.filter.status, wanted.filter.page.limit)
    };
    assert_eq!(got("hoop admin get sessions x"), (Some("x".into()), None, 20));
    let open = "hoop admin get sessions --status open --limit 5";
    assert_eq!(got(open), (None, Some("open".into()), 5));
}

#[test]
fn a_channel_is_switched_one_way() {
    for (line, wanted) in
        [("--disabled", Some(false)), ("--enabled", Some(true)), ("--overwrite", None)]
    {
        let line = format!("hoop admin create channel c -t slack {line}");
        let Command::Admin(admin) = typed(&line).unwrap().command else { panic!("not admin") };
        let Admin::Create(Create::Channel(channel)) = *admin else { panic!("not a channel") };
        assert_eq!(channel.switch.wanted(), wanted);
    }
    assert!(typed("hoop admin create channel c -t slack --enabled --disabled").is_err());
}

#[test]
fn an_api_key_keeps_its_account() {
    let line = "hoop admin create api-key ci --overwrite";
    assert!(typed(&format!("{line} --group a")).is_ok());
    assert!(typed(&format!("{line} --service-account a")).is_err());
}

#[test]
fn a_connections_command_takes_all_that_follows() {
    let line = "hoop admin create connection c -a dev -t command-line -e A=b --command bash -l";
    let Command::Admin(admin) = typed(line).unwrap().command else { panic!("not admin") };
    let Admin::Create(Create::Connection(connection)) = *admin else { panic!("not connection") };
    assert_eq!(connection.command, ["bash", "-l"]);
    assert_eq!(connection.secret, ["A=b"]);
}
