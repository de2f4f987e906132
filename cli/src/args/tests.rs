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
    for line in ["hoop -o json sessions list", "hoop sessions list -o json"] {
        assert_eq!(typed(line).unwrap().output, Format::Json);
    }
}

#[test]
fn a_resource_and_its_name_may_be_one_word() {
    for (line, expected) in [
        ("hoop admin get agents/dev", "hoop admin get agents dev"),
        ("hoop -o json admin delete agent/dev", "hoop -o json admin delete agent dev"),
        ("hoop admin get connections/a/b", "hoop admin get connections a/b"),
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
fn a_connections_command_takes_all_that_follows() {
    let line = "hoop admin create connection c -a dev -t command-line -e A=b --command bash -l";
    let Command::Admin(admin) = typed(line).unwrap().command else { panic!("not admin") };
    let Admin::Create(Create::Connection(connection)) = *admin else { panic!("not connection") };
    assert_eq!(connection.command, ["bash", "-l"]);
    assert_eq!(connection.secret, ["A=b"]);
}
