//! `groundplan generate`: writes the `.proto` files of the services for code generators of any language.

use crate::diagnostics;
use crate::error::CliError;
use crate::models::Paths;
use crate::output::{is_terminal, print, print_error};
use groundplan_model::{Input, SourceFile, StorageNames, WRITTEN_BY, compile, export};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Write the .proto files of the models' services, for code generators; needs no server
///
/// The folder contains everything that protoc and buf need to generate stubs: the derived services, the models, their
/// imports, and a buf.yaml. Only files that differ are written, and no file is removed. Because it reports every
/// mistake in the models, it also checks them offline: `groundplan generate models --out "$(mktemp -d)"`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Args {
    #[command(flatten)]
    paths: Paths,
    /// Folder to write to, created if it does not exist
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Write nothing, and fail if a file would be written; for CI
    #[arg(long)]
    check: bool,
    /// Write into a folder with .proto files that `generate` did not write, and replace files of the same names
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), CliError> {
    let models = args.paths.read()?;
    let files = match models.to_compiler_input() {
        Input::Files(files) => files,
        Input::DescriptorSet(_) => Vec::new(),
    };
    let compiled = compile(models.to_compiler_input(), &StorageNames::default()).map_err(|diagnostics| {
        let diagnostics: Vec<_> = diagnostics.into_iter().map(diagnostics::from_compiler).collect();
        print_error(format_args!("{}", diagnostics::text(&diagnostics, &models, is_terminal())));
        CliError::invalid_models()
    })?;
    let exported = export(&compiled, &files);
    if !args.force && has_foreign_protos(&args.out) {
        return Err(CliError::usage(format!(
            "{out} has .proto files that `groundplan generate` did not write; choose another folder for --out, or replace them \
             with --force",
            out = args.out.display()
        )));
    }
    let mut differing = Vec::new();
    for file in &exported {
        let path = output_path(&args.out, &file.path)?;
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
        return Err(CliError::new(format!("{} is out of date; run the same without --check", args.out.display())));
    }
    Ok(())
}

/// Checks whether a folder has `.proto` files but not the `buf.yaml` that this command writes.
fn has_foreign_protos(out: &Path) -> bool {
    let written = fs::read_to_string(out.join("buf.yaml")).is_ok_and(|text| text.starts_with(WRITTEN_BY));
    !written && contains_proto(out)
}

fn contains_proto(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| match path.is_dir() && !path.is_symlink() {
        true => contains_proto(&path),
        false => path.extension().is_some_and(|extension| extension == "proto"),
    })
}

/// Returns the path of a file below `out`, or an error if the file's path leads out of it.
fn output_path(out: &Path, path: &str) -> Result<PathBuf, CliError> {
    match Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(out.join(path)),
        false => Err(CliError::new(format!("{path:?} would be written outside of {}", out.display()))),
    }
}

fn differs(path: &Path, file: &SourceFile) -> Result<bool, CliError> {
    match fs::read(path) {
        Ok(before) => Ok(before != file.content.as_bytes()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(CliError::new(format!("{} cannot be read: {error}", path.display()))),
    }
}

fn write(path: &Path, file: &SourceFile) -> Result<(), CliError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, &file.content))
        .map_err(|error| CliError::new(format!("{} cannot be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::{Args, has_foreign_protos, output_path, run};
    use crate::models::Paths;
    use std::path::Path;

    const MODEL: &str = "syntax = \"proto3\";\npackage a.v1;\nimport \"groundplan/model/v1/model.proto\";\n// A thing.\nmessage Thing {\n  option (groundplan.model.v1.model) = {};\n  string id = 1;\n}\n";

    #[test]
    fn nothing_is_written_outside_the_folder() {
        for path in ["../a.proto", "/a.proto", "a/../../b.proto", "./a.proto"] {
            assert!(output_path(Path::new("out"), path).is_err(), "{path}");
        }
        assert_eq!(output_path(Path::new("out"), "a/b.proto").unwrap(), Path::new("out/a/b.proto"));
    }

    #[test]
    fn output_is_stable_and_differences_are_detected() {
        let folder = tempfile::tempdir().unwrap();
        let (models, out) = (folder.path().join("models"), folder.path().join("out"));
        std::fs::create_dir_all(models.join("a/v1")).unwrap();
        std::fs::write(models.join("a/v1/thing.proto"), MODEL).unwrap();
        let generate = |check| {
            let paths = Paths { models: vec![models.clone()] };
            let args = Args { paths, out: out.clone(), check, force: false };
            run(&args)
        };
        assert!(generate(true).is_err() && !out.exists(), "a check writes nothing");
        generate(false).unwrap();
        generate(true).unwrap();
        let service = out.join("a/v1/thing_service.proto");
        let written = std::fs::metadata(&service).unwrap().modified().unwrap();
        generate(false).unwrap();
        assert_eq!(
            std::fs::metadata(&service).unwrap().modified().unwrap(),
            written,
            "an unchanged file is not written again"
        );
        std::fs::write(&service, "").unwrap();
        assert!(generate(true).is_err());
    }

    #[test]
    fn folders_with_foreign_proto_files_are_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("proto");
        std::fs::create_dir_all(out.join("mine")).unwrap();
        assert!(!has_foreign_protos(&out), "an empty folder");
        std::fs::write(out.join("mine/a.proto"), "").unwrap();
        assert!(has_foreign_protos(&out));
        let run_into = |force| {
            let paths = Paths { models: vec![folder.path().join("models")] };
            run(&Args { paths, out: out.clone(), check: false, force })
        };
        std::fs::create_dir_all(folder.path().join("models")).unwrap();
        std::fs::write(folder.path().join("models/a.proto"), MODEL).unwrap();
        assert!(run_into(false).unwrap_err().message().contains("--force"));
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1, "nothing is written");
        run_into(true).unwrap();
        run_into(false).unwrap();
    }
}
