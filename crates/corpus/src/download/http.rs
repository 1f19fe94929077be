//! Requests to the hub: redirects, retries, and a token that stays with its host.

use std::cell::Cell;
use std::io::{self, Read};
use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, Response, Uri, header};
use ureq::{Agent, Body};

use super::error::HubError;
use super::hub::Hub;
use super::watch::Watch;

/// Retry policy for transient failures: a dropped connection, status 429 or 5xx.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Attempts without any progress before giving up.
    pub attempts: u32,
    /// Pause after the first failure; doubled after each further one.
    pub pause: Duration,
    /// The longest pause, even if the server asks for more.
    pub longest: Duration,
}

impl Default for Retry {
    /// Eight attempts within about a minute.
    fn default() -> Self {
        Self { attempts: 8, pause: Duration::from_millis(500), longest: Duration::from_secs(120) }
    }
}

impl Retry {
    /// Pause after failure number `failures`, the first being 1.
    fn pause(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.pause.saturating_mul(1 << (failures - 1).min(16));
        asked.unwrap_or(doubled).min(self.longest)
    }
}

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Transient; the server may have said when to retry.
    Passing { reason: String, after: Option<Duration> },
    /// Permanent.
    Final(Refusal),
}

impl Failure {
    pub(super) fn passing(reason: impl ToString) -> Self {
        Self::Passing { reason: reason.to_string(), after: None }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Self::Final(Refusal::Error(error))
    }
}

/// Permanent failures.
#[derive(Debug)]
pub(super) enum Refusal {
    /// An HTTP error status.
    Status { status: u16, url: String },
    /// Anything else.
    Error(HubError),
}

impl From<Refusal> for HubError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Error(error) => error,
            Refusal::Status { status: status @ (401 | 403), url } => Self::NoAccess { url, status },
            Refusal::Status { status, url } => {
                Self::Protocol { url, reason: format!("the hub answers with status {status}") }
            }
        }
    }
}

/// An attempt, and whether it made progress that a later one goes on from.
pub(super) struct Attempt<'a> {
    brought: bool,
    watch: &'a Watch,
}

impl Attempt<'_> {
    /// Bytes came and are kept. This resets the count of failures.
    pub(super) fn brought(&mut self) {
        self.brought = true;
        self.watch.heard();
    }
}

/// Sends requests.
pub(super) struct Client {
    agent: Agent,
    endpoint: Uri,
    token: Option<String>,
    retry: Retry,
    watch: Watch,
    /// Whether any request had an answer.
    answered: Cell<bool>,
}

/// Attempts to reach a hub that has never answered; it may have no network, or a wrong name.
const FIRST_ATTEMPTS: u32 = 4;

/// Most redirects; two in practice.
const MAX_REDIRECTS: usize = 5;
/// Size limit of JSON responses; a listing of a thousand files has about 300 KB.
const MAX_JSON: u64 = 64 << 20;

impl Client {
    pub(super) fn new(hub: &Hub) -> Result<Self, HubError> {
        let endpoint = &hub.endpoint;
        let parsed: Option<Uri> = endpoint.parse().ok();
        let endpoint = parsed
            .filter(|uri| {
                uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
            })
            .ok_or_else(|| {
                HubError::Environment(format!(
                    "`{endpoint}` is not the address of a hub; write it like https://huggingface.co"
                ))
            })?;
        let agent = Agent::config_builder()
            .user_agent(concat!("cinnabar/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // Redirects are followed by hand, so that the token is not sent along.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Ok(Self {
            agent,
            endpoint,
            token: hub.token.clone(),
            retry: hub.retry,
            watch: Watch::new(hub.on_silence.clone()),
            answered: Cell::new(false),
        })
    }

    /// Repeats `attempt` until it succeeds or the retry policy gives up.
    pub(super) fn persist<T>(
        &self,
        url: &str,
        attempt: impl FnMut(&mut Attempt<'_>) -> Result<T, Failure>,
    ) -> Result<T, Refusal> {
        self.watch.begin(url);
        let result = self.repeat(url, attempt);
        self.watch.end();
        result
    }

    fn repeat<T>(
        &self,
        url: &str,
        mut attempt: impl FnMut(&mut Attempt<'_>) -> Result<T, Failure>,
    ) -> Result<T, Refusal> {
        let mut failures = 0;
        loop {
            let mut state = Attempt { brought: false, watch: &self.watch };
            let (reason, after) = match attempt(&mut state) {
                Ok(value) => return Ok(value),
                Err(Failure::Final(refusal)) => return Err(refusal),
                Err(Failure::Passing { reason, after }) => (reason, after),
            };
            failures = if state.brought { 1 } else { failures + 1 };
            if !self.answered.get() && failures >= self.retry.attempts.min(FIRST_ATTEMPTS) {
                let endpoint = self.endpoint.to_string().trim_end_matches('/').to_owned();
                return Err(Refusal::Error(HubError::Unreachable { endpoint, reason }));
            }
            if failures >= self.retry.attempts {
                return Err(Refusal::Error(HubError::GaveUp {
                    url: url.to_owned(),
                    attempts: failures,
                    reason,
                }));
            }
            self.watch.failed(&reason);
            let pause = self.retry.pause(failures, after);
            log::info!("{url}: {reason}; next attempt in {:.1} s", pause.as_secs_f64());
            std::thread::sleep(pause);
        }
    }

    /// One request with its redirects; returns only successful responses.
    pub(super) fn send(&self, url: &str, range: Option<&str>) -> Result<Response<Body>, Failure> {
        let protocol = |url: &Uri, reason: &str| {
            Failure::from(HubError::Protocol { url: public(url), reason: reason.to_owned() })
        };
        let mut target: Uri = url.parse().map_err(|_| {
            let reason = "this is not an address".to_owned();
            HubError::Protocol { url: url.to_owned(), reason }
        })?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.agent.get(&target);
            if let Some(token) = self.token.as_ref().filter(|_| self.at_home(&target)) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            if let Some(range) = range {
                request = request.header(header::RANGE, range);
            }
            let response = request.call().map_err(|error| match error {
                ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
                    protocol(&target, &error.to_string())
                }
                passing => Failure::passing(plain(passing)),
            })?;
            self.answered.set(true);
            self.watch.heard();
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            if !status.is_redirection() {
                return Err(match status.as_u16() {
                    408 | 429 | 500..=599 => Failure::Passing {
                        reason: format!("status {status}"),
                        after: retry_after(response.headers()),
                    },
                    status => Failure::Final(Refusal::Status { status, url: public(&target) }),
                });
            }
            target = response
                .headers()
                .get(header::LOCATION)
                .and_then(|location| redirected(&target, location.to_str().ok()?))
                .ok_or_else(|| protocol(&target, "a redirect to nowhere"))?;
        }
        Err(protocol(&target, "redirected in a circle"))
    }

    /// The JSON at `url`, and the address of the next page of it.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        url: &str,
    ) -> Result<(T, Option<String>), Refusal> {
        self.persist(url, |attempt| {
            let response = self.send(url, None)?;
            let next = next_page(response.headers());
            let mut bytes = Vec::new();
            let mut body = Heard { body: response.into_body().into_reader(), attempt };
            body.by_ref().take(MAX_JSON + 1).read_to_end(&mut bytes).map_err(Failure::passing)?;
            if bytes.len() as u64 > MAX_JSON {
                let reason = format!("the answer is longer than {} MiB", MAX_JSON >> 20);
                return Err(HubError::Protocol { url: url.to_owned(), reason }.into());
            }
            let value = serde_json::from_slice(&bytes).map_err(|error| HubError::Protocol {
                url: url.to_owned(),
                reason: format!("the answer is not the JSON that a hub gives: {error}"),
            })?;
            Ok((value, next))
        })
    }

    /// Whether `url` is of the hub itself: same scheme, host and port.
    fn at_home(&self, url: &Uri) -> bool {
        url.scheme() == self.endpoint.scheme() && url.authority() == self.endpoint.authority()
    }
}

/// A body whose bytes are a sign of life, but begin again with the next attempt.
struct Heard<'a, 'b, R> {
    body: R,
    attempt: &'a mut Attempt<'b>,
}

impl<R: Read> Read for Heard<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer)?;
        self.attempt.watch.heard();
        Ok(read)
    }
}

/// An error without the library's name of its kind.
fn plain(error: ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Timeout(_) => "the connection timed out".to_owned(),
        ureq::Error::HostNotFound => "no such host".to_owned(),
        other => other.to_string(),
    }
}

/// A URL without its query, which may contain a signature.
fn public(url: &Uri) -> String {
    let text = url.to_string();
    text.split('?').next().unwrap_or_default().to_owned()
}

/// Where `location` leads from `base`.
fn redirected(base: &Uri, location: &str) -> Option<Uri> {
    if !location.starts_with('/') {
        return location.parse().ok().filter(|uri: &Uri| uri.scheme().is_some());
    }
    let scheme = base.scheme_str()?;
    if location.starts_with("//") {
        format!("{scheme}:{location}").parse().ok()
    } else {
        format!("{scheme}://{}{location}", base.authority()?).parse().ok()
    }
}

/// Seconds that a server asks to wait. (The header may also hold a date, which no hub sends.)
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The address in a header `Link: <address>; rel="next"`.
fn next_page(headers: &HeaderMap) -> Option<String> {
    let links = headers.get(header::LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    Some(next.split_once('<')?.1.split_once('>')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_heed_the_server() {
        let retry =
            Retry { attempts: 5, pause: Duration::from_secs(1), longest: Duration::from_secs(5) };
        let pauses: Vec<_> = (1..6).map(|failures| retry.pause(failures, None).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
        assert_eq!(retry.pause(1, Some(Duration::from_secs(3))).as_secs(), 3);
        assert_eq!(retry.pause(1, Some(Duration::from_secs(3600))).as_secs(), 5);
    }

    #[test]
    fn redirects_are_resolved() {
        let base: Uri = "https://hub.example:8443/a/b?c=d".parse().expect("address");
        for (location, target) in [
            ("/x?y=z", "https://hub.example:8443/x?y=z"),
            ("//other.example/x", "https://other.example/x"),
            ("http://other.example/x", "http://other.example/x"),
        ] {
            assert_eq!(redirected(&base, location), target.parse().ok());
        }
        assert_eq!(redirected(&base, "x"), None);
    }

    #[test]
    fn the_next_page_is_found() {
        let mut headers = HeaderMap::new();
        assert_eq!(next_page(&headers), None);
        let links = "<https://a/first>; rel=\"first\", <https://a/2?x=1>; rel=\"next\"";
        headers.insert(header::LINK, links.parse().expect("header"));
        assert_eq!(next_page(&headers).as_deref(), Some("https://a/2?x=1"));
    }
}
