//! Exports all files that are needed to generate client stubs with protoc or buf, as one self-contained folder.

use crate::bundled::bundled;
use crate::compile::Compiled;
use crate::source::SourceFile;
use std::collections::BTreeMap;

/// The first line of the `buf.yaml` in an exported folder.
pub const WRITTEN_BY: &str = "# Written by Groundplan.";

/// The lint settings that exported files pass.
const BUF_YAML: &str = "\
# Written by Groundplan.
version: v2
lint:
  use:
    - STANDARD
  except:
    # Create, Get and Update return the record, and Delete returns google.protobuf.Empty (AIP-131 to AIP-135).
    - RPC_RESPONSE_STANDARD_NAME
    - RPC_REQUEST_RESPONSE_UNIQUE
  # Copies of published files, so that this folder is self-contained.
  ignore:
";

/// Returns the files that `groundplan generate` writes, sorted by path: the derived services, the user's files, the
/// bundled files that they import, and a `buf.yaml`. `files` are the uploaded files.
pub fn export(compiled: &Compiled, files: &[SourceFile]) -> Vec<SourceFile> {
    let mut exported: BTreeMap<&str, &str> = BTreeMap::new();
    for file in files.iter().chain(&compiled.derived) {
        exported.insert(&file.path, &file.content);
    }
    let mut folders: Vec<&str> = Vec::new();
    for &(path, text) in bundled() {
        if compiled.catalog.pool.get_file_by_name(path).is_some() {
            exported.insert(path, text);
            folders.extend(path.split('/').next());
        } else {
            exported.remove(path);
        }
    }
    folders.sort_unstable();
    folders.dedup();
    let mut settings = BUF_YAML.to_owned();
    for folder in folders {
        settings.push_str("    - ");
        settings.push_str(folder);
        settings.push('\n');
    }
    let mut written: Vec<SourceFile> = exported
        .into_iter()
        .map(|(path, content)| SourceFile { path: path.to_owned(), content: content.to_owned() })
        .collect();
    written.push(SourceFile { path: "buf.yaml".to_owned(), content: settings });
    written.sort_by(|one, other| one.path.cmp(&other.path));
    written
}
