//! Configuration of the hub: endpoint, token, cache folder, retries.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::HubError;
use super::http::Retry;
use super::watch::OnSilence;

/// The public hub.
const ENDPOINT: &str = "https://huggingface.co";

/// A hub of datasets.
#[derive(Clone)]
pub struct Hub {
    /// Its address, without a slash at the end.
    pub endpoint: String,
    /// Access token; sent to the endpoint only, never to redirect targets.
    pub token: Option<String>,
    /// Folder for fetched ranges.
    pub cache: PathBuf,
    /// Most bytes of memory that a part of a file may take; `None` where that is not known.
    pub memory: Option<u64>,
    /// What to do about failures that may pass.
    pub retry: Retry,
    /// Told when nothing has come for some seconds.
    pub on_silence: OnSilence,
}

impl Hub {
    /// The hub as the environment describes it, by the variables of the hub's own libraries:
    /// HF_ENDPOINT; HF_TOKEN, or the file at HF_TOKEN_PATH or HF_HOME/token; HF_HOME, below which
    /// fetched ranges are kept in `cinnabar/`.
    ///
    /// # Errors
    /// HF_HOME is not set and there is no home folder; the token is no plain text.
    pub fn from_environment() -> Result<Self, HubError> {
        Self::from_variables(|name| env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, HubError> {
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let home = home(&variable).ok_or_else(|| {
            HubError::Environment(
                "there is no home folder to keep fetched data in; set HF_HOME".to_owned(),
            )
        })?;
        let file = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let token = variable("HF_TOKEN")
            .or_else(|| fs::read_to_string(file).ok())
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty());
        if let Some(token) = &token
            && !token.chars().all(|c| c.is_ascii_graphic())
        {
            return Err(HubError::Environment(
                "the access token for the hub contains characters that are not allowed in a header; correct HF_TOKEN or its file"
                    .to_owned(),
            ));
        }
        Ok(Self {
            endpoint: endpoint.trim().trim_end_matches('/').to_owned(),
            token,
            cache: home.join("cinnabar"),
            memory: None,
            retry: Retry::default(),
            on_silence: Arc::new(|_| {}),
        })
    }
}

impl std::fmt::Debug for Hub {
    /// Leaves out the token, since logs may be shared.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "hidden"))
            .field("cache", &self.cache)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

fn home(variable: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(home) = variable("HF_HOME") {
        return Some(PathBuf::from(home));
    }
    let caches = match variable("XDG_CACHE_HOME") {
        Some(caches) => PathBuf::from(caches),
        None => PathBuf::from(variable("HOME").or_else(|| variable("USERPROFILE"))?).join(".cache"),
    };
    Some(caches.join("huggingface"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)]) -> Result<Hub, HubError> {
        Hub::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_heeded() {
        let plain = hub(&[("HOME", "/home/a")]).expect("hub");
        assert_eq!(plain.endpoint, "https://huggingface.co");
        assert_eq!(plain.token, None);
        assert_eq!(plain.cache, PathBuf::from("/home/a/.cache/huggingface/cinnabar"));

        let folder = tempfile::tempdir().expect("folder");
        let home = folder.path().to_str().expect("UTF-8");
        fs::write(folder.path().join("token"), "hf_file\n").expect("token");
        let set = hub(&[("HF_HOME", home), ("HF_ENDPOINT", "http://mirror/")]).expect("hub");
        assert_eq!(set.endpoint, "http://mirror");
        assert_eq!(set.token.as_deref(), Some("hf_file"));
        assert_eq!(set.cache, folder.path().join("cinnabar"));
        assert!(!format!("{set:?}").contains("hf_file"));

        let set = hub(&[("HF_HOME", home), ("HF_TOKEN", " hf_variable ")]).expect("hub");
        assert_eq!(set.token.as_deref(), Some("hf_variable"));
    }

    #[test]
    fn unusable_variables_are_named() {
        let error = hub(&[]).expect_err("no home");
        assert!(error.to_string().ends_with("set HF_HOME"), "{error}");
        let error = hub(&[("HF_HOME", "/nowhere"), ("HF_TOKEN", "a\nb")]).expect_err("bad token");
        assert!(error.to_string().contains("HF_TOKEN"), "{error}");
    }
}
