//! A throw-away S3 server, moto, with buckets in memory.

use std::{collections::BTreeMap, net::TcpStream, path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Process, free_port, reaper, tools};

/// Objects are private: whoever asks for one has keys. Whether they sign well is not looked at.
const KNOWN: &str = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/\
                     aws4_request, SignedHeaders=host, Signature=0\r\n";

/// An S3 server of one's own. Any credentials will do; dropping it forgets everything.
#[derive(Debug)]
pub struct S3 {
    process: Option<Process>,
    port: u16,
    folder: TempDir,
    /// After how many requests it looks at signatures; never, when there is no number.
    unchecked: Option<u32>,
}

/// Starts a throw-away S3 server on a free port.
///
/// # Errors
/// When moto is not installed or does not start.
pub async fn s3() -> Result<S3> {
    started(None).await
}

/// The same server, which looks at signatures after so many requests.
pub(crate) async fn checking_signatures(unchecked: u32) -> Result<S3> {
    started(Some(unchecked)).await
}

async fn started(unchecked: Option<u32>) -> Result<S3> {
    tokio::task::spawn_blocking(move || {
        let folder = tempfile::Builder::new().prefix("hoop-s3-").tempdir()?;
        reaper::remove(folder.path());
        let mut s3 = S3 { process: None, port: free_port()?, folder, unchecked };
        s3.start()?;
        Ok(s3)
    })
    .await?
}

impl S3 {
    /// Its endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, with nothing in it, on the port that it always has.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(&mut self) -> Result<()> {
        let packages = tools::folder().context("no folder of tools")?.join("s3");
        ensure!(packages.join("moto").is_dir(), "moto is not installed; run `cargo xtask install`");
        let mut command = Command::new("python3");
        command
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &self.port.to_string()])
            .env("PYTHONPATH", packages);
        if let Some(unchecked) = self.unchecked {
            command.env("INITIAL_NO_AUTH_ACTION_COUNT", unchecked.to_string());
        }
        let mut process = Process::spawn("s3", command, self.logs())?;
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if !process.running() || crate::patience() < started.elapsed() {
                bail!("the S3 server did not start; {}", process.last_words());
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.process = Some(process);
        Ok(())
    }

    /// SIGKILL: the endpoint is down, and what was stored is gone.
    ///
    /// # Errors
    /// When it can't be waited for.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }

    /// SIGSTOP: it takes connections and answers nothing.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self) -> Result<()> {
        self.process.as_ref().context("it does not run")?.signal("STOP")
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&self) -> Result<()> {
        self.process.as_ref().context("it does not run")?.signal("CONT")
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn bucket(&self, name: &str) -> Result<()> {
        self.ask("PUT", &format!("/{name}"), "").await.map(|_| ())
    }

    /// Makes a bucket whose objects can be locked.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn bucket_with_locks(&self, name: &str) -> Result<()> {
        let header = "x-amz-bucket-object-lock-enabled: true\r\n";
        self.send("PUT", &format!("/{name}"), header, "").await.map(|_| ())
    }

    /// What the server says of an object, by header in lower case.
    ///
    /// # Errors
    /// When there is no such object.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<BTreeMap<String, String>> {
        let header = format!("{KNOWN}x-amz-checksum-mode: ENABLED\r\n");
        let (head, _) = self.send("HEAD", &format!("/{bucket}/{key}"), &header, "").await?;
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        Ok(lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect())
    }

    /// Removes a version of an object for good.
    ///
    /// # Errors
    /// When it is refused, such as for one that is locked.
    pub async fn remove(&self, bucket: &str, key: &str, version: &str) -> Result<()> {
        let path = format!("/{bucket}/{key}?versionId={version}");
        self.send("DELETE", &path, KNOWN, "").await.map(|_| ())
    }

    /// Takes the right to do `action`, such as `s3:PutObject`, in a bucket from everybody.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn deny(&self, bucket: &str, action: &str) -> Result<()> {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":"arn:aws:s3:::{bucket}/*"}}]}}"#
        );
        self.ask("PUT", &format!("/{bucket}?policy"), &policy).await.map(|_| ())
    }

    /// Gives all rights back.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn permit(&self, bucket: &str) -> Result<()> {
        self.ask("DELETE", &format!("/{bucket}?policy"), "").await.map(|_| ())
    }

    /// The keys in a bucket.
    ///
    /// # Errors
    /// When there is no such bucket.
    pub async fn keys(&self, bucket: &str) -> Result<Vec<String>> {
        let listed = self.ask("GET", &format!("/{bucket}?list-type=2"), "").await?;
        let keys = listed.split("<Key>").skip(1);
        Ok(keys.filter_map(|rest| Some(rest.split_once("</Key>")?.0.to_owned())).collect())
    }

    /// The body of the answer to a request, as text.
    ///
    /// # Errors
    /// When the server does not answer with success.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        Ok(self.send(method, path, "", body).await?.1)
    }

    /// The head and the body of the answer; each line of `headers` has its end.
    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Result<(String, String)> {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             {headers}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        ensure!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        let (head, body) = answer.split_once("\r\n\r\n").context("no body")?;
        Ok((head.to_owned(), body.to_owned()))
    }

    fn logs(&self) -> &Path {
        self.folder.path()
    }
}
