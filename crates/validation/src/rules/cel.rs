//! Rules in CEL: of messages, of values, and predefined ones, which are options of the standard rules' messages.

use super::given;
use crate::place::{Place, diagnostic};
use groundplan_expr::{Rule, RuleScope, ThisType};
use groundplan_model::Diagnostic;
use groundplan_model::shape::Shapes;
use prost_protovalidate::types::{self, PredefinedRules};
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, ReflectMessage as _, Value};

/// A rule in CEL.
pub(crate) struct CelRule {
    pub(crate) rule: Rule,
    pub(crate) id: String,
    /// What the user says of a breach.
    pub(crate) message: Option<String>,
}

/// Compiles rules, and collects those that are wrong.
pub(super) struct CelCompiler<'a> {
    pub(super) pool: &'a DescriptorPool,
    pub(super) shapes: &'a Shapes,
    pub(super) found: Vec<Diagnostic>,
}

/// A rule as it is declared.
struct Declared<'a> {
    id: Option<&'a str>,
    message: Option<&'a str>,
    expression: Option<&'a str>,
}

impl<'a> Declared<'a> {
    fn rule(rule: &'a types::Rule) -> Self {
        Self { id: rule.id.as_deref(), message: rule.message.as_deref(), expression: rule.expression.as_deref() }
    }

    fn expression(expression: &'a str) -> Self {
        Self { id: None, message: None, expression: Some(expression) }
    }
}

impl CelCompiler<'_> {
    /// Compiles the rules of a message or a value: first the bare expressions, then those with ids.
    pub(super) fn rules(
        &mut self,
        place: &Place,
        this: ThisType,
        expressions: &[String],
        rules: &[types::Rule],
    ) -> Vec<CelRule> {
        let scope = RuleScope { shapes: self.shapes, this, given: &[] };
        let expressions = expressions.iter().map(|expression| Declared::expression(expression));
        let declared = expressions.chain(rules.iter().map(Declared::rule));
        declared.filter_map(|declared| self.rule(place, &scope, &declared)).collect()
    }

    /// Compiles the predefined rules that the rules of a value use, which are extensions of the message of its type.
    pub(super) fn predefined(&mut self, place: &Place, this: ThisType, rules: Option<&DynamicMessage>) -> Vec<CelRule> {
        let Some(standard) = rules.and_then(of_type) else { return Vec::new() };
        let mut compiled = Vec::new();
        for (extension, value) in standard.extensions() {
            let Some(rule) = given::value(value) else {
                let message = format!("the value of the predefined rule {} is not supported", extension.full_name());
                self.found.push(diagnostic(place, message, "use a scalar, a list of scalars, or a message"));
                continue;
            };
            let given = [("rule", rule), ("rules", given::message(&standard))];
            let scope = RuleScope { shapes: self.shapes, this, given: &given };
            for declared in self.declared(&extension) {
                compiled.extend(self.rule(place, &scope, &Declared::rule(&declared)));
            }
        }
        compiled
    }

    /// Reports predefined rules that are no CEL, whether anything uses them or not.
    pub(super) fn unused(&mut self) {
        let own = |extension: &ExtensionDescriptor| !extension.parent_file().name().starts_with("buf/validate/");
        for extension in self.pool.all_extensions().filter(own).collect::<Vec<_>>() {
            for rule in self.declared(&extension) {
                let refused = rule.expression.as_deref().and_then(|expression| Rule::parse(expression).err());
                if let Some(error) = refused {
                    self.refuse(
                        &Place::extension(&extension),
                        rule.expression.as_deref().unwrap_or_default(),
                        &error.to_string(),
                    );
                }
            }
        }
    }

    /// The rules that an extension is declared with.
    fn declared(&self, extension: &ExtensionDescriptor) -> Vec<types::Rule> {
        let Some(predefined) = self.pool.get_extension_by_name("buf.validate.predefined") else { return Vec::new() };
        let options = extension.options();
        if !options.has_extension(&predefined) {
            return Vec::new();
        }
        let value = options.get_extension(&predefined);
        let rules = value.as_message().and_then(|message| message.transcode_to::<PredefinedRules>().ok());
        rules.map(|rules| rules.cel).unwrap_or_default()
    }

    fn rule(&mut self, place: &Place, scope: &RuleScope<'_>, declared: &Declared<'_>) -> Option<CelRule> {
        let Some(expression) = declared.expression else {
            let message = format!("the rule `{}` has no CEL expression", declared.id.unwrap_or_default());
            self.found.push(diagnostic(place, message, "write its `expression`"));
            return None;
        };
        match Rule::compile(scope, expression) {
            Ok(rule) => Some(CelRule {
                rule,
                id: declared.id.unwrap_or(expression).to_owned(),
                message: declared.message.filter(|message| !message.is_empty()).map(str::to_owned),
            }),
            Err(error) => {
                self.refuse(place, expression, &error.to_string());
                None
            }
        }
    }

    fn refuse(&mut self, place: &Place, expression: &str, why: &str) {
        let shown = groundplan_expr::limits::shortened(expression, 60);
        let message = format!("the CEL expression {shown:?} is not valid: {why}");
        self.found.push(diagnostic(place, message, "correct it, or split it into several rules"));
    }
}

/// The standard rules among the rules of a value: those of its type.
fn of_type(rules: &DynamicMessage) -> Option<DynamicMessage> {
    let kinds = rules.descriptor().oneofs().find(|oneof| oneof.name() == "type")?;
    let field = kinds.fields().find(|field| rules.has_field(field))?;
    rules.get_field(&field).as_message().cloned()
}

/// The rules of the elements of a list (`items`), or of the keys or the values of a map.
pub(super) fn inside(rules: Option<&DynamicMessage>, name: &str) -> Option<DynamicMessage> {
    let standard = rules.and_then(of_type)?;
    let field = standard.descriptor().get_field_by_name(name)?;
    match standard.has_field(&field).then(|| standard.get_field(&field).into_owned())? {
        Value::Message(rules) => Some(rules),
        _ => None,
    }
}
