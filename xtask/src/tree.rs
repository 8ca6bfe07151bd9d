//! The text files of a checkout.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The text files of a checkout, by their paths from its root.
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the checkout around the current directory: the tracked files, and new ones that are not ignored.
    pub fn load() -> Result<Self, String> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])
            .output()
            .map_err(|why| format!("git ls-files: {why}"))?;
        if !listing.status.success() {
            return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listing.stderr)));
        }
        let names = String::from_utf8(listing.stdout).map_err(|why| format!("a name of a file: {why}"))?;
        let mut files = BTreeMap::new();
        for name in names.split('\0').filter(|name| Path::new(name).is_file()) {
            let bytes = std::fs::read(name).map_err(|why| format!("{name}: {why}"))?;
            // What is not UTF-8 is no text.
            if let Ok(text) = String::from_utf8(bytes) {
                files.insert(name.to_string(), text);
            }
        }
        Ok(Self { files })
    }

    /// Makes a tree of these files, for a test.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect() }
    }

    /// Adds a file, or replaces it.
    #[cfg(test)]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_string(), text.to_string());
        self
    }

    /// Returns the text of a file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// Returns the text of a file that a check cannot do without.
    pub fn needed(&self, name: &str) -> Result<&str, String> {
        self.text(name).ok_or_else(|| format!("{name} is missing"))
    }

    /// Returns the names and texts of all files, in order.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Returns the files of a folder (`""`: of all) whose names end in `end`.
    pub fn within<'t>(&'t self, folder: &'t str, end: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.all().filter(move |(name, _)| name.starts_with(folder) && name.ends_with(end))
    }
}
