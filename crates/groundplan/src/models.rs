//! The models of a command: folders of `.proto` files, or a descriptor set.

use crate::error::CliError;
use groundplan_model::{Input, SourceFile};
use groundplan_proto::schema::v1;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The limits of the schema service, checked before anything is sent.
const MAX_FILES: usize = 1_000;
const MAX_FILE_BYTES: u64 = 1 << 20;
const MAX_TOTAL_BYTES: u64 = 8 << 20;
/// The maximum nesting of folders.
const MAX_DEPTH: usize = 32;

/// The models, with their source files.
#[derive(Debug)]
pub(crate) enum Models {
    /// By import path: the text, and the path on disk.
    Files(BTreeMap<String, (String, PathBuf)>),
    /// A serialized `google.protobuf.FileDescriptorSet`.
    DescriptorSet(Vec<u8>),
}

/// Where the models are.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Models")]
pub(crate) struct Paths {
    /// Folders of .proto files, each the root of its imports; or one serialized FileDescriptorSet (.binpb), as written
    /// by `buf build -o`. Hidden files and folders are skipped.
    #[arg(required = true, value_name = "MODELS")]
    pub(crate) models: Vec<PathBuf>,
}

impl Paths {
    /// Reads all models.
    pub(crate) fn read(&self) -> Result<Models, CliError> {
        if let [only] = self.models.as_slice()
            && only.extension().is_some_and(|extension| extension == "binpb")
        {
            return read_descriptor_set(only);
        }
        let mut files = FileCollector::default();
        for path in &self.models {
            files.add_root(path)?;
        }
        if files.by_import_path.is_empty() {
            let paths: Vec<_> = self.models.iter().map(|path| path.display().to_string()).collect();
            return Err(CliError::usage(format!("there are no .proto files in {}", paths.join(", "))));
        }
        Ok(Models::Files(files.by_import_path))
    }
}

impl Models {
    /// Converts the models to a request.
    pub(crate) fn to_request(&self) -> v1::Models {
        match self {
            Self::DescriptorSet(bytes) => v1::Models { descriptor_set: bytes.clone(), ..v1::Models::default() },
            Self::Files(files) => {
                let file = |(path, (content, _)): (&String, &(String, PathBuf))| v1::SourceFile {
                    path: path.clone(),
                    content: content.clone(),
                };
                v1::Models { files: files.iter().map(file).collect(), ..v1::Models::default() }
            }
        }
    }

    /// Converts the models to input for the local compiler.
    pub(crate) fn to_compiler_input(&self) -> Input {
        match self {
            Self::DescriptorSet(bytes) => Input::DescriptorSet(bytes.clone().into()),
            Self::Files(files) => {
                let file = |(path, (content, _)): (&String, &(String, PathBuf))| SourceFile {
                    path: path.clone(),
                    content: content.clone(),
                };
                Input::Files(files.iter().map(file).collect())
            }
        }
    }

    /// Returns the text of a file and its path on disk.
    pub(crate) fn file(&self, path: &str) -> Option<(&str, &Path)> {
        match self {
            Self::DescriptorSet(_) => None,
            Self::Files(files) => files.get(path).map(|(text, disk_path)| (text.as_str(), disk_path.as_path())),
        }
    }
}

fn read_descriptor_set(path: &Path) -> Result<Models, CliError> {
    let size = fs::metadata(path).map_err(|error| read_error(path, &error))?.len();
    if size > MAX_TOTAL_BYTES {
        return Err(CliError::usage(format!("{} has {size} bytes; the limit is 8 MiB", path.display())));
    }
    fs::read(path).map(Models::DescriptorSet).map_err(|error| read_error(path, &error))
}

/// The files collected so far.
#[derive(Default)]
struct FileCollector {
    by_import_path: BTreeMap<String, (String, PathBuf)>,
    size: u64,
}

impl FileCollector {
    /// Adds a root folder of imports.
    fn add_root(&mut self, root: &Path) -> Result<(), CliError> {
        let metadata = fs::metadata(root).map_err(|error| read_error(root, &error))?;
        if metadata.is_dir() {
            return self.add_folder(root, "", 0);
        }
        let disk_path = root.display();
        Err(CliError::usage(match root.extension().and_then(|extension| extension.to_str()) {
            Some("binpb") => format!("{disk_path} is a descriptor set, which cannot be mixed with others"),
            _ => {
                format!("{disk_path} is a file; pass the root folder of its imports, or a descriptor set (.binpb)")
            }
        }))
    }

    /// Adds the files below `folder`, whose import path is `prefix`.
    fn add_folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), CliError> {
        if depth > MAX_DEPTH {
            return Err(CliError::usage(format!("{} is nested deeper than {MAX_DEPTH} folders", folder.display())));
        }
        for entry in fs::read_dir(folder).map_err(|error| read_error(folder, &error))? {
            let disk_path = entry.map_err(|error| read_error(folder, &error))?.path();
            let Some(name) = disk_path.file_name().and_then(|name| name.to_str()) else {
                return Err(CliError::usage(format!("the name of {} is not UTF-8; rename it", disk_path.display())));
            };
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{name}");
            // Not `entry.file_type()`: a link to a file counts as that file. Links to folders are skipped, because they might
            // form a cycle.
            let metadata = fs::metadata(&disk_path).map_err(|error| read_error(&disk_path, &error))?;
            if metadata.is_dir() && !disk_path.is_symlink() {
                self.add_folder(&disk_path, &format!("{path}/"), depth + 1)?;
            } else if metadata.is_file() && path.ends_with(".proto") {
                self.add_file(path, disk_path, metadata.len())?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: String, disk_path: PathBuf, size: u64) -> Result<(), CliError> {
        let display = disk_path.display();
        self.size += size;
        if size > MAX_FILE_BYTES {
            return Err(CliError::usage(format!(
                "{display} has {size} bytes; the limit for one file is 1 MiB: split it"
            )));
        }
        if self.size > MAX_TOTAL_BYTES {
            return Err(CliError::usage(format!(
                "the models up to {display} have {} bytes; the limit is 8 MiB",
                self.size
            )));
        }
        if self.by_import_path.len() == MAX_FILES {
            return Err(CliError::usage(format!(
                "there are more than {MAX_FILES} .proto files; {display} is one too many"
            )));
        }
        if let Some((_, other)) = self.by_import_path.get(&path) {
            return Err(CliError::usage(format!("{display} and {} are both imported as {path:?}", other.display())));
        }
        let bytes = fs::read(&disk_path).map_err(|error| read_error(&disk_path, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            CliError::usage(format!("{display} is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
        })?;
        self.by_import_path.insert(path, (text, disk_path));
        Ok(())
    }
}

fn read_error(path: &Path, error: &std::io::Error) -> CliError {
    CliError::usage(format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Models, Paths};
    use std::fs;
    use std::path::Path;

    fn read(roots: &[&Path]) -> Result<Models, String> {
        let paths = Paths { models: roots.iter().map(|path| path.to_path_buf()).collect() };
        paths.read().map_err(|error| error.message().to_owned())
    }

    #[test]
    fn files_are_named_by_their_import_paths() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b/v1/b.proto", "a.proto", ".hidden/c.proto", "b/.d.proto", "readme.md"] {
            let disk_path = root.path().join(path);
            fs::create_dir_all(disk_path.parent().unwrap()).unwrap();
            fs::write(disk_path, path).unwrap();
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("b/up")).unwrap();
        let upload = read(&[root.path()]).unwrap().to_request();
        let paths: Vec<_> = upload.files.iter().map(|file| (file.path.as_str(), file.content.as_str())).collect();
        assert_eq!(paths, [("a.proto", "a.proto"), ("b/v1/b.proto", "b/v1/b.proto")]);
    }

    #[test]
    fn unreadable_models_are_explained() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        assert!(read(&[root.path()]).unwrap_err().contains("no .proto files"));
        assert!(read(&[&path("nowhere")]).unwrap_err().contains("nowhere"));
        fs::write(path("a.proto"), "a").unwrap();
        assert!(read(&[&path("a.proto")]).unwrap_err().contains("folder"));
        assert!(read(&[root.path(), root.path()]).unwrap_err().contains("both imported as \"a.proto\""));
        fs::write(path("a.proto"), [b'a', 0xff]).unwrap();
        assert!(read(&[root.path()]).unwrap_err().contains("not UTF-8 at byte 1"));
        fs::write(path("a.proto"), vec![b' '; (1 << 20) + 1]).unwrap();
        assert!(read(&[root.path()]).unwrap_err().contains("the limit for one file is 1 MiB"));
        for number in 0..9 {
            fs::write(path(&format!("{number}.proto")), vec![b' '; 1 << 20]).unwrap();
        }
        fs::remove_file(path("a.proto")).unwrap();
        assert!(read(&[root.path()]).unwrap_err().contains("the limit is 8 MiB"));
    }

    #[test]
    fn a_descriptor_set_cannot_be_mixed() {
        let root = tempfile::tempdir().unwrap();
        let set = root.path().join("models.binpb");
        fs::write(&set, b"bytes").unwrap();
        assert_eq!(read(&[&set]).unwrap().to_request().descriptor_set, b"bytes");
        assert!(read(&[root.path(), &set]).unwrap_err().contains("cannot be mixed"));
    }
}
