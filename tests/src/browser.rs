//! A browser, as far as signing in goes: it follows redirects, keeps cookies for each site, and
//! says of itself where a form came from. No script runs in it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use reqwest::{
    Certificate, Client, ClientBuilder, Method, RequestBuilder, StatusCode, Url, header,
    redirect::Policy,
};

/// A browser of one person.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// Of each host and port.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether cookies stay at home, until it is sent on.
    at_home: bool,
}

/// What it shows.
#[derive(Debug)]
pub struct Page {
    /// Where it is now.
    pub url: Url,
    /// What the last answer was.
    pub status: StatusCode,
    /// Its text.
    pub text: String,
    /// The cookies that were set on the way, as they came.
    pub set_cookies: Vec<String>,
    /// All that was opened on the way.
    pub way: Vec<Url>,
}

/// More redirects than anybody needs.
const MOST: usize = 12;

impl Browser {
    /// A fresh one. It keeps no connection, since gateways are started again in tests.
    ///
    /// # Errors
    /// When there is no TLS in this process.
    pub fn new() -> Result<Self> {
        Self::of(Client::builder())
    }

    /// The same, which trusts whom `authority`, a certificate in PEM, has signed, and nobody else.
    ///
    /// # Errors
    /// When that is no certificate.
    pub fn trusting(authority: &[u8]) -> Result<Self> {
        Self::of(Client::builder().tls_certs_only([Certificate::from_pem(authority)?]))
    }

    fn of(client: ClientBuilder) -> Result<Self> {
        let client = client.redirect(Policy::none()).pool_max_idle_per_host(0).build()?;
        Ok(Self { client, cookies: BTreeMap::new(), at_home: false })
    }

    /// Types a URL.
    ///
    /// # Errors
    /// When nobody answers, or it goes in circles.
    pub async fn open(&mut self, url: &str) -> Result<Page> {
        self.go(url.parse()?, |client, url| client.request(Method::GET, url)).await
    }

    /// Sends a form of the page at `from` to `path`.
    ///
    /// # Errors
    /// When nobody answers, or it goes in circles.
    pub async fn submit(
        &mut self,
        from: &Url,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page> {
        self.send(&from.origin().ascii_serialization(), "same-origin", from.join(path)?, fields)
            .await
    }

    /// Sends the same because a page of another site, at `from`, made it.
    ///
    /// # Errors
    /// When nobody answers, or it goes in circles.
    pub async fn forge(
        &mut self,
        from: &Url,
        to: &Url,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page> {
        self.send(&from.origin().ascii_serialization(), "cross-site", to.join(path)?, fields).await
    }

    /// Takes a form of the page at `from` to another site, as browsers do it that know of
    /// `SameSite=Lax`: without cookies, and with them to where it is sent on from there.
    ///
    /// # Errors
    /// When nobody answers, or it goes in circles.
    pub async fn carry(&mut self, from: &Url, to: &Url, fields: &[(&str, &str)]) -> Result<Page> {
        self.at_home = true;
        let origin = from.origin().ascii_serialization();
        self.send(&origin, "cross-site", to.clone(), fields).await
    }

    async fn send(
        &mut self,
        origin: &str,
        site: &str,
        to: Url,
        fields: &[(&str, &str)],
    ) -> Result<Page> {
        let body = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect::<Vec<_>>()
            .join("&");
        self.go(to, |client, url| {
            client
                .request(Method::POST, url)
                .header(header::ORIGIN, origin)
                .header("sec-fetch-site", site)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.clone())
        })
        .await
    }

    /// The cookies that it has of this site, as it would send them.
    #[must_use]
    pub fn cookies_of(&self, url: &Url) -> String {
        let of_site = self.cookies.get(&site(url));
        let pairs = of_site.into_iter().flatten().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    async fn go(
        &mut self,
        url: Url,
        request: impl Fn(&Client, Url) -> RequestBuilder,
    ) -> Result<Page> {
        let (mut url, mut first) = (url, true);
        let (mut set_cookies, mut way) = (Vec::new(), Vec::new());
        for _ in 0..MOST {
            let asked = if first {
                request(&self.client, url.clone())
            } else {
                self.client.request(Method::GET, url.clone())
            };
            way.push(url.clone());
            let at_home = std::mem::take(&mut self.at_home);
            let cookies = if at_home { String::new() } else { self.cookies_of(&url) };
            let asked = asked.header(header::ACCEPT, "text/html,*/*;q=0.8");
            let asked = if cookies.is_empty() { asked } else { asked.header("cookie", cookies) };
            let answer = asked.send().await.with_context(|| format!("open {url}"))?;
            first = false;
            for line in answer.headers().get_all(header::SET_COOKIE) {
                let line = line.to_str()?.to_owned();
                self.keep(&url, &line);
                set_cookies.push(line);
            }
            let status = answer.status();
            let to =
                answer.headers().get(header::LOCATION).map(|to| to.to_str().map(str::to_owned));
            match to.transpose()? {
                Some(to) if status.is_redirection() => url = url.join(&to)?,
                _ => return Ok(Page { url, status, text: answer.text().await?, set_cookies, way }),
            }
        }
        bail!("{url} goes in circles")
    }

    fn keep(&mut self, url: &Url, line: &str) {
        let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('='))
        else {
            return;
        };
        let of_site = self.cookies.entry(site(url)).or_default();
        if value.is_empty() || line.contains("Max-Age=0") {
            of_site.remove(name.trim());
        } else {
            of_site.insert(name.trim().to_owned(), value.to_owned());
        }
    }
}

fn site(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

fn encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}
