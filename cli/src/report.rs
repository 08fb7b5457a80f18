//! The report of a sweep on disk: a page with charts, one chart alone, and rows for other programs.
//!
//! What is written is made by pure functions of the study in the parts below; only this file touches the disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::sweep::study::Study;

mod axis;
mod chart;
pub(crate) mod jsonl;
mod page;
mod style;

/// The files of a report.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) page: PathBuf,
    pub(crate) rows: PathBuf,
    pub(crate) chart: PathBuf,
}

/// Makes the directory, or says why nothing could be written there: before two minutes are spent, not after.
pub(crate) fn prepare(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("the report cannot be written to `{}`; choose another --out", directory.display()))
}

/// Writes the report into an existing directory.
pub(crate) fn write(directory: &Path, study: &Study) -> Result<Files> {
    let files = Files {
        page: directory.join("index.html"),
        rows: directory.join("results.jsonl"),
        chart: directory.join("headline.svg"),
    };
    save(&files.rows, &jsonl::rows(study))?;
    save(&files.page, &page::page(study))?;
    save(&files.chart, &page::headline_chart(study))?;
    Ok(files)
}

fn save(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::study::tests::example;

    #[test]
    fn a_report_is_three_files_and_replaces_the_one_before() {
        let directory = std::env::temp_dir().join(format!("holm-report-{}", std::process::id()));
        prepare(&directory).unwrap();
        for _ in 0..2 {
            let files = write(&directory, &example()).unwrap();
            assert!(fs::read_to_string(&files.page).unwrap().ends_with("</html>\n"));
            assert_eq!(fs::read_to_string(&files.rows).unwrap().lines().count(), 1 + 84);
            assert!(fs::read_to_string(&files.chart).unwrap().ends_with("</svg>\n"));
        }
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let sentence = format!("{:#}", prepare(Path::new("/dev/null/report")).unwrap_err());
        assert!(sentence.starts_with("the report cannot be written to `/dev/null/report`; choose another --out"));
    }
}
