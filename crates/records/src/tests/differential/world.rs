//! Records in PostgreSQL, read back, and what an expression says of them on either side.

use super::pool::NOW;
use super::rows;
use crate::tests::fixture::Fixture;
use groundplan_budget::Budget;
use groundplan_chassis::database::{Bind, Columns as _, Lease, PgRow, Sql, execute, rows};
use groundplan_codec::{Record, Value};
use groundplan_expr::{EvaluationFailure, Filter, Scope};
use groundplan_model::catalog::{Catalog, IdFormat, Model};
use groundplan_model::quote;
use groundplan_model::shape::FieldId;
use groundplan_query::SqlBuilder;
use groundplan_query::column::Column;
use groundplan_query::{bind, row};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// Who asks.
const TENANT: &str = "one";

/// How many records of the other models references lead to.
const RELATED: usize = 6;

/// The records of one batch.
pub(super) struct World {
    /// Has the server.
    _fixture: Fixture,
    lease: Lease,
    pub(super) catalog: Arc<Catalog>,
    pub(super) model: Arc<Model>,
    /// Of the model, by their ids.
    pub(super) records: Vec<(String, Record)>,
    /// By their models and ids.
    related: HashMap<(String, String), Record>,
}

impl World {
    pub(super) async fn new(fixture: Fixture) -> Self {
        let lease = fixture.database.lease().await.unwrap();
        let catalog = fixture.records.served().unwrap().catalog.clone();
        let model = fixture.model("Specimen");
        Self { _fixture: fixture, lease, catalog, model, records: Vec::new(), related: HashMap::new() }
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { catalog: &self.catalog, model: &self.model }
    }

    /// Replaces all records by random ones. Another tenant has other records with the same ids: nobody must see them.
    pub(super) async fn fill(&mut self, seed: u64, count: usize) {
        let mut random = StdRng::seed_from_u64(seed);
        let (model, catalog) = (self.model.clone(), self.catalog.clone());
        let related = ["test.v1.Author", "test.v1.Label"].map(|name| catalog.model(name).unwrap());
        for model in [&model, related[0], related[1]] {
            self.run(&format!("DELETE FROM {}", table(model)), &[]).await;
        }
        for tenant in ["other", TENANT] {
            self.related.clear();
            let mut ids: HashMap<String, Vec<String>> = HashMap::new();
            for model in related {
                let stored = self.store(&mut random, tenant, model, RELATED, &ids).await;
                ids.insert(model.full_name.clone(), stored.iter().map(|(id, _)| id.clone()).collect());
                let stored = stored.into_iter().map(|(id, record)| ((model.full_name.clone(), id), record));
                self.related.extend(stored);
            }
            self.records = self.store(&mut random, tenant, &model, count, &ids).await;
        }
    }

    /// Stores random records of a tenant, and reads them.
    async fn store(
        &mut self,
        random: &mut StdRng,
        tenant: &str,
        model: &Model,
        count: usize,
        ids: &HashMap<String, Vec<String>>,
    ) -> Vec<(String, Record)> {
        let columns = Column::of_model(model);
        let names: Vec<String> = columns.iter().map(|column| name(model, column)).collect();
        let (table, names) = (table(model), names.join(", "));
        let places = vec!["?"; columns.len() + 2].join(", ");
        for at in 0..count {
            let mut record = rows::record(random, model, ids);
            record.set(model.roles.id, Some(Value::String(id_of(model, at))));
            let mut binds = vec![Bind::text(tenant), Bind::i64(1)];
            binds.extend(columns.iter().map(|column| bind::bind(model, column, &record).unwrap()));
            self.run(&format!("INSERT INTO {table} (_tenant, _version, {names}) VALUES ({places})"), &binds).await;
        }
        let found = self.rows(&format!("SELECT {names} FROM {table} WHERE _tenant = ?"), &[Bind::text(tenant)]).await;
        let found = found.unwrap();
        assert_eq!(found.len(), count);
        let read = found.iter().map(|found| row::record(model, &columns, found, 0).unwrap());
        read.map(|record| (text(&record, model.roles.id).unwrap(), record)).collect()
    }

    async fn run(&mut self, sql: &str, binds: &[Bind]) {
        let sql = Sql::new(sql);
        self.lease.run(async |conn| execute(conn, &sql, binds).await).await.unwrap();
    }

    /// Rows of a statement that does not come twice.
    async fn rows(&mut self, sql: &str, binds: &[Bind]) -> Result<Vec<PgRow>, String> {
        let sql = Sql::once(sql);
        self.lease.run(async |conn| rows(conn, &sql, binds).await).await.map_err(|error| error.to_string())
    }

    /// The ids of the records that PostgreSQL finds by a condition.
    pub(super) async fn found(&mut self, filter: &Filter) -> Result<BTreeSet<String>, String> {
        let (table, id) = (table(&self.model), quote(&self.model.shape().field(self.model.roles.id).storage_name));
        let mut builder = SqlBuilder::default();
        builder
            .push(&format!("SELECT r.{id}::text FROM {table} r WHERE r._tenant = "))
            .value(Bind::text(TENANT), "text");
        builder.push(" AND (").fragment(filter.sql(), NOW).push(")");
        let found = self.rows(builder.text(), builder.binds()).await?;
        Ok(found.iter().map(|row| row.text(0).unwrap().unwrap()).collect())
    }

    /// A record as JSON, and those that its references lead to.
    pub(super) fn show(&self, record: &Record) -> String {
        let mut text = to_json(&self.model, record);
        for reference in &self.model.references {
            let Some(related) = self.related(record, reference.field) else { continue };
            let target = self.catalog.model(&reference.target).unwrap();
            text.push_str(&format!("\n{}: {}", reference.name, to_json(target, &related)));
        }
        text
    }

    fn related(&self, record: &Record, field: FieldId) -> Option<Record> {
        let target = &self.model.reference(field)?.target;
        self.related.get(&(target.clone(), text(record, field)?)).cloned()
    }

    /// What the evaluator says of a record.
    pub(super) fn evaluated(&self, filter: &Filter, record: &Record) -> Result<bool, EvaluationFailure> {
        let related = |field| self.related(record, field);
        filter.evaluate(self.scope(), record, NOW, &related, &Budget::default()).unwrap()
    }
}

fn to_json(model: &Model, record: &Record) -> String {
    let mut json = Vec::new();
    groundplan_codec::json::encode(&model.shapes, model.shape, record, &mut json);
    String::from_utf8(json).unwrap()
}

fn id_of(model: &Model, at: usize) -> String {
    match model.id_format {
        IdFormat::UuidV7 => Uuid::from_u128(0x0198_c0de_7a5e_7c3b_9d41_0242_ac12_0002 + at as u128).to_string(),
        IdFormat::ClientAssigned => {
            ["a", "A", "ab", "0", "NO", "b.c"].get(at).map_or(format!("x{at}"), ToString::to_string)
        }
    }
}

fn text(record: &Record, field: FieldId) -> Option<String> {
    match record.get(field) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

fn table(model: &Model) -> String {
    format!("{}.{}", quote(&model.table.schema), quote(&model.table.name))
}

fn name(model: &Model, column: &Column) -> String {
    quote(&model.shape().field(column.field).storage_name)
}
