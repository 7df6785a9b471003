//! The names of the derived messages and methods of a model.

use crate::declared::DeclaredModel;
use crate::relations::Relation;

/// The names of the messages of a model's service, without the package.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) create: String,
    pub(crate) get: String,
    pub(crate) list: String,
    pub(crate) list_response: String,
    pub(crate) update: String,
    pub(crate) delete: String,
    /// Present only for models with soft delete.
    pub(crate) undelete: Option<String>,
    pub(crate) batch_get: String,
    pub(crate) batch_get_response: String,
    pub(crate) batch_create: String,
    pub(crate) batch_create_response: String,
    pub(crate) batch_update: String,
    pub(crate) batch_update_response: String,
    pub(crate) batch_delete: String,
    /// Present only for models with soft delete.
    pub(crate) batch_delete_response: Option<String>,
    pub(crate) aggregate: String,
    pub(crate) explain_list: String,
    pub(crate) watch: String,
    pub(crate) watch_response: String,
    /// Present only for models with history.
    pub(crate) revisions: Option<RevisionNames>,
}

/// The names of the messages of a model's history.
#[derive(Debug)]
pub(crate) struct RevisionNames {
    pub(crate) list: String,
    pub(crate) list_response: String,
    pub(crate) revision: String,
}

impl Names {
    pub(crate) fn of_model(declared: &DeclaredModel) -> Self {
        let (name, plural) = (declared.name(), &declared.plural);
        Self {
            create: format!("Create{name}Request"),
            get: format!("Get{name}Request"),
            list: format!("List{plural}Request"),
            list_response: format!("List{plural}Response"),
            update: format!("Update{name}Request"),
            delete: format!("Delete{name}Request"),
            undelete: declared.soft_delete.map(|_| format!("Undelete{name}Request")),
            batch_get: format!("BatchGet{plural}Request"),
            batch_get_response: format!("BatchGet{plural}Response"),
            batch_create: format!("BatchCreate{plural}Request"),
            batch_create_response: format!("BatchCreate{plural}Response"),
            batch_update: format!("BatchUpdate{plural}Request"),
            batch_update_response: format!("BatchUpdate{plural}Response"),
            batch_delete: format!("BatchDelete{plural}Request"),
            batch_delete_response: declared.soft_delete.map(|_| format!("BatchDelete{plural}Response")),
            aggregate: format!("Aggregate{plural}Request"),
            explain_list: format!("ExplainList{plural}Request"),
            watch: format!("Watch{plural}Request"),
            watch_response: format!("Watch{plural}Response"),
            revisions: declared.history.map(|_| RevisionNames {
                list: format!("List{name}RevisionsRequest"),
                list_response: format!("List{name}RevisionsResponse"),
                revision: format!("{name}Revision"),
            }),
        }
    }

    /// Returns all names.
    pub(crate) fn into_vec(self) -> Vec<String> {
        let Self { create, get, list, list_response, update, delete, undelete, .. } = self;
        let Self { batch_get, batch_get_response, batch_create, batch_create_response, .. } = self;
        let Self { batch_update, batch_update_response, batch_delete, batch_delete_response, .. } = self;
        let Self { aggregate, explain_list, watch, watch_response, revisions, .. } = self;
        let mut names = vec![create, get, list, list_response, update, delete];
        names.extend([batch_get, batch_get_response, batch_create, batch_create_response]);
        names.extend([batch_update, batch_update_response, batch_delete]);
        names.extend([aggregate, explain_list, watch, watch_response]);
        names.extend(undelete.into_iter().chain(batch_delete_response));
        if let Some(RevisionNames { list, list_response, revision }) = revisions {
            names.extend([list, list_response, revision]);
        }
        names
    }
}

/// The names that are derived for an inverse relation: a method of the target's service, such as `ListAuthorBooks`, and
/// its messages.
#[derive(Debug)]
pub(crate) struct RelatedNames {
    pub(crate) method: String,
    pub(crate) request: String,
    pub(crate) response: String,
}

impl RelatedNames {
    /// Returns `None` if the inverse relation has no name.
    pub(crate) fn of_relation(relation: &Relation<'_>) -> Option<Self> {
        let method = relation.list_method()?;
        Some(Self { request: format!("{method}Request"), response: format!("{method}Response"), method })
    }
}
