//! `groundplan generate`: the services' `.proto`, for every language's own generator.

use crate::diagnostics;
use crate::failure::Failure;
use crate::models::Paths;
use crate::output::{is_terminal, print, print_error};
use groundplan_model::{Input, SourceFile, StorageNames, compile, export};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Write the .proto files of the models' services, for code generators; asks no server
///
/// The folder is all that protoc and buf need to make stubs: the derived services, the models, what they import,
/// and a buf.yaml. Only files that differ are written, and none is removed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Args {
    #[command(flatten)]
    paths: Paths,
    /// The folder to write to; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Write nothing, and fail if something would be written: for CI
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let models = args.paths.read()?;
    let files = match models.input() {
        Input::Files(files) => files,
        Input::DescriptorSet(_) => Vec::new(),
    };
    let compiled = compile(models.input(), &StorageNames::default()).map_err(|found| {
        let found: Vec<_> = found.into_iter().map(diagnostics::from_compiler).collect();
        print_error(format_args!("{}", diagnostics::text(&found, &models, is_terminal())));
        Failure::diagnostics()
    })?;
    let exported = export(&compiled, &files);
    let mut differing = Vec::new();
    for file in &exported {
        let path = place(&args.out, &file.path)?;
        if differs(&path, file)? {
            differing.push((path, file));
        }
    }
    let unchanged = exported.len() - differing.len();
    for (path, file) in &differing {
        if args.check {
            print(format_args!("differs: {}", path.display()))?;
        } else {
            write(path, file)?;
            print(format_args!("wrote {}", path.display()))?;
        }
    }
    print(format_args!("{unchanged} of {} files were up to date", exported.len()))?;
    if args.check && !differing.is_empty() {
        return Err(Failure::new(format!("{} is out of date; run the same without --check", args.out.display())));
    }
    Ok(())
}

/// Where a file goes, which is below `out`, whatever its path says.
fn place(out: &Path, path: &str) -> Result<PathBuf, Failure> {
    match Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(out.join(path)),
        false => Err(Failure::new(format!("{path:?} would be written outside of {}", out.display()))),
    }
}

fn differs(path: &Path, file: &SourceFile) -> Result<bool, Failure> {
    match fs::read(path) {
        Ok(before) => Ok(before != file.content.as_bytes()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Failure::new(format!("{} cannot be read: {error}", path.display()))),
    }
}

fn write(path: &Path, file: &SourceFile) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, &file.content))
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::{Args, place, run};
    use crate::models::Paths;
    use std::path::Path;

    #[test]
    fn nothing_is_written_outside() {
        for path in ["../a.proto", "/a.proto", "a/../../b.proto", "./a.proto"] {
            assert!(place(Path::new("out"), path).is_err(), "{path}");
        }
        assert_eq!(place(Path::new("out"), "a/b.proto").unwrap(), Path::new("out/a/b.proto"));
    }

    #[test]
    fn what_is_written_is_stable_and_a_difference_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (models, out) = (folder.path().join("models"), folder.path().join("out"));
        std::fs::create_dir_all(models.join("a/v1")).unwrap();
        let model = "syntax = \"proto3\";\npackage a.v1;\nimport \"groundplan/model/v1/model.proto\";\n// A thing.\nmessage Thing {\n  option (groundplan.model.v1.model) = {};\n  string id = 1;\n}\n";
        std::fs::write(models.join("a/v1/thing.proto"), model).unwrap();
        let generate = |check| {
            let args = Args { paths: Paths { models: vec![models.clone()] }, out: out.clone(), check };
            run(&args)
        };
        assert!(generate(true).is_err() && !out.exists(), "a check writes nothing");
        generate(false).unwrap();
        generate(true).unwrap();
        let service = out.join("a/v1/thing_service.proto");
        let written = std::fs::metadata(&service).unwrap().modified().unwrap();
        generate(false).unwrap();
        assert_eq!(std::fs::metadata(&service).unwrap().modified().unwrap(), written, "what is the same is left alone");
        std::fs::write(&service, "").unwrap();
        assert!(generate(true).is_err());
    }
}
