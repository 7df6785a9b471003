//! Derives services from models as `.proto` text, which reflection and `groundplan generate` both show.

mod names;
mod text;

use crate::code;
use crate::declared::DeclaredModel;
use crate::diagnostic::{Diagnostics, SourceLocation};
use crate::link::add_standard;
use crate::relations::Relations;
use crate::source::SourceFile;
use groundplan_budget::Budget;
use groundplan_error::Error;
pub(crate) use names::{Names, RelatedNames};
use prost_reflect::DescriptorPool;
use protox::file::File;

/// The imports of derived files in addition to the user's files.
const IMPORTS: [&str; 6] = [
    "google/protobuf/any.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/timestamp.proto",
    "groundplan/query/v1/query.proto",
    "groundplan/watch/v1/watch.proto",
];

/// Renders the derived file of each model.
pub(crate) fn derive_files(models: &[DeclaredModel]) -> Vec<SourceFile> {
    let relations = Relations::from_models(models);
    models
        .iter()
        .map(|declared| SourceFile { path: declared.service_file(), content: text::service_file(declared, &relations) })
        .collect()
}

/// Adds derived files to the pool that contains their models.
pub(crate) fn add_files(
    pool: &mut DescriptorPool,
    derived: &[SourceFile],
    budget: &Budget,
    diagnostics: &mut Diagnostics,
) -> Result<(), Error> {
    for import in IMPORTS {
        if let Err(error) = add_standard(pool, import) {
            diagnostics.report(
                SourceLocation::of_file(import),
                code::PROTO_LINK,
                error.to_string(),
                "remove the uploaded file with this path",
            );
            return Ok(());
        }
    }
    for file in derived {
        budget.check()?;
        let added = match File::from_source(&file.path, &file.content) {
            Ok(parsed) => pool.add_file_descriptor_proto(parsed.into()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = added {
            let message = format!("the service cannot be derived: {reason}");
            diagnostics.report(
                SourceLocation::of_file(&file.path),
                code::DERIVED_NAME_CLASH,
                message,
                "rename the model or the conflicting definition",
            );
            return Ok(());
        }
    }
    Ok(())
}
