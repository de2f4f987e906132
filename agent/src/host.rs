//! What an agent tells about the machine it runs on.

use hoop_proto::v1::AgentHello;

/// The first frame of a control stream.
#[must_use]
pub fn hello() -> AgentHello {
    AgentHello {
        version: env!("CARGO_PKG_VERSION").into(),
        hostname: hostname(),
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    }
}

/// The machine's name; empty when the system does not say.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    });
    name.unwrap_or_default().trim().to_owned()
}
