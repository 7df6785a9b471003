//! CEL rules: of messages, of values, and predefined rules, which are options of the standard rules' messages.

use super::parameters;
use crate::source_location::{SourceLocation, diagnostic};
use groundplan_expr::{Rule, RuleScope, ThisType};
use groundplan_model::Diagnostic;
use groundplan_model::shape::Shapes;
use prost_protovalidate::types::{self, PredefinedRules};
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, ReflectMessage as _, Value};

/// A compiled CEL rule.
pub(crate) struct CelRule {
    pub(crate) rule: Rule,
    pub(crate) id: String,
    /// The model's message for a violation.
    pub(crate) message: Option<String>,
}

/// Compiles CEL rules, and collects diagnostics about invalid ones.
pub(super) struct CelCompiler<'a> {
    pub(super) pool: &'a DescriptorPool,
    pub(super) shapes: &'a Shapes,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The declaration of a rule.
struct RuleDeclaration<'a> {
    id: Option<&'a str>,
    message: Option<&'a str>,
    expression: Option<&'a str>,
}

impl<'a> RuleDeclaration<'a> {
    fn rule(rule: &'a types::Rule) -> Self {
        Self { id: rule.id.as_deref(), message: rule.message.as_deref(), expression: rule.expression.as_deref() }
    }

    fn expression(expression: &'a str) -> Self {
        Self { id: None, message: None, expression: Some(expression) }
    }
}

impl CelCompiler<'_> {
    /// Compiles the rules of a message or a value: first the bare expressions, then the rules with ids.
    pub(super) fn rules(
        &mut self,
        location: &SourceLocation,
        this: ThisType,
        expressions: &[String],
        rules: &[types::Rule],
    ) -> Vec<CelRule> {
        let scope = RuleScope { shapes: self.shapes, this, parameters: &[] };
        let expressions = expressions.iter().map(|expression| RuleDeclaration::expression(expression));
        let declared = expressions.chain(rules.iter().map(RuleDeclaration::rule));
        declared.filter_map(|declared| self.rule(location, &scope, &declared)).collect()
    }

    /// Compiles the predefined rules of a value, which are extensions of its standard rules.
    pub(super) fn predefined(
        &mut self,
        location: &SourceLocation,
        this: ThisType,
        rules: Option<&DynamicMessage>,
    ) -> Vec<CelRule> {
        let Some(standard) = rules.and_then(type_rules) else { return Vec::new() };
        let mut compiled = Vec::new();
        for (extension, value) in standard.extensions() {
            let Some(rule) = parameters::value(value) else {
                let message = format!("the value of the predefined rule {} is not supported", extension.full_name());
                self.diagnostics.push(diagnostic(location, message, "use a scalar, a list of scalars, or a message"));
                continue;
            };
            let parameters = [("rule", rule), ("rules", parameters::message(&standard))];
            let scope = RuleScope { shapes: self.shapes, this, parameters: &parameters };
            for declared in self.predefined_rules(&extension) {
                compiled.extend(self.rule(location, &scope, &RuleDeclaration::rule(&declared)));
            }
        }
        compiled
    }

    /// Reports predefined rules that are not valid CEL, even if they are unused.
    pub(super) fn check_unused(&mut self) {
        let is_user_defined =
            |extension: &ExtensionDescriptor| !extension.parent_file().name().starts_with("buf/validate/");
        for extension in self.pool.all_extensions().filter(is_user_defined).collect::<Vec<_>>() {
            for rule in self.predefined_rules(&extension) {
                let error = rule.expression.as_deref().and_then(|expression| Rule::parse(expression).err());
                if let Some(error) = error {
                    self.report(
                        &SourceLocation::extension(&extension),
                        rule.expression.as_deref().unwrap_or_default(),
                        &error.to_string(),
                    );
                }
            }
        }
    }

    /// Returns the predefined rules that an extension declares.
    fn predefined_rules(&self, extension: &ExtensionDescriptor) -> Vec<types::Rule> {
        let Some(predefined) = self.pool.get_extension_by_name("buf.validate.predefined") else { return Vec::new() };
        let options = extension.options();
        if !options.has_extension(&predefined) {
            return Vec::new();
        }
        let value = options.get_extension(&predefined);
        let rules = value.as_message().and_then(|message| message.transcode_to::<PredefinedRules>().ok());
        rules.map(|rules| rules.cel).unwrap_or_default()
    }

    fn rule(
        &mut self,
        location: &SourceLocation,
        scope: &RuleScope<'_>,
        declared: &RuleDeclaration<'_>,
    ) -> Option<CelRule> {
        let Some(expression) = declared.expression else {
            let message = format!("the rule `{}` has no CEL expression", declared.id.unwrap_or_default());
            self.diagnostics.push(diagnostic(location, message, "write its `expression`"));
            return None;
        };
        match Rule::compile(scope, expression) {
            Ok(rule) => Some(CelRule {
                rule,
                id: declared.id.unwrap_or(expression).to_owned(),
                message: declared.message.filter(|message| !message.is_empty()).map(str::to_owned),
            }),
            Err(error) => {
                self.report(location, expression, &error.to_string());
                None
            }
        }
    }

    fn report(&mut self, location: &SourceLocation, expression: &str, why: &str) {
        let shown = groundplan_expr::limits::shortened(expression, 60);
        let message = format!("the CEL expression {shown:?} is not valid: {why}");
        self.diagnostics.push(diagnostic(location, message, "correct it, or split it into several rules"));
    }
}

/// Returns the rules for the type of a value.
fn type_rules(rules: &DynamicMessage) -> Option<DynamicMessage> {
    let kinds = rules.descriptor().oneofs().find(|oneof| oneof.name() == "type")?;
    let field = kinds.fields().find(|field| rules.has_field(field))?;
    rules.get_field(&field).as_message().cloned()
}

/// Returns the rules of the elements of a list (`items`), or of the keys or values of a map.
pub(super) fn element_rules(rules: Option<&DynamicMessage>, name: &str) -> Option<DynamicMessage> {
    let standard = rules.and_then(type_rules)?;
    let field = standard.descriptor().get_field_by_name(name)?;
    match standard.has_field(&field).then(|| standard.get_field(&field).into_owned())? {
        Value::Message(rules) => Some(rules),
        _ => None,
    }
}
