//! Projects a record's JSON by a read mask.
//!
//! The codec writes zeros for unset fields, including those that a mask leaves out; the projection removes them. The backend has
//! already cleared all other values that the mask leaves out.

use groundplan_codec::mask::ReadMask;
use groundplan_error::Error;
use groundplan_model::catalog::Model;
use groundplan_model::shape::{FieldId, Kind, Shape, Shapes};
use std::collections::BTreeMap;

/// The deepest nesting of messages in a record.
const MAX_DEPTH: usize = groundplan_codec::MAX_DEPTH as usize;

/// The members of an object to return, by their keys as JSON text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Projection(BTreeMap<Vec<u8>, Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Of(Projection),
}

impl Projection {
    /// The projection of a mask; none if it includes all fields.
    pub(crate) fn of(model: &Model, mask: &[String]) -> Result<Option<Self>, Error> {
        Ok(Self::of_mask(model, &ReadMask::parse(&model.shapes, model.shape, mask)?))
    }

    /// The same, and always with the id.
    pub(crate) fn with_id(model: &Model, mask: &[String]) -> Result<Option<Self>, Error> {
        Ok(Self::of_mask(model, &ReadMask::parse(&model.shapes, model.shape, mask)?.with_fields(&[model.roles.id])))
    }

    fn of_mask(model: &Model, mask: &ReadMask) -> Option<Self> {
        let ReadMask::Paths(paths) = mask else { return None };
        let mut shown = Self::default();
        for path in paths {
            let steps = path.steps();
            shown.add(&model.shapes, model.shape(), steps.get(..MAX_DEPTH).unwrap_or(steps));
        }
        Some(shown)
    }

    fn add(&mut self, shapes: &Shapes, shape: &Shape, path: &[FieldId]) {
        let Some((&first, rest)) = path.split_first() else { return };
        let field = shape.field(first);
        let key = serde_json::Value::from(field.json_name.as_str()).to_string().into_bytes();
        match field.kind {
            Kind::Message(inner) if !rest.is_empty() => {
                if let Part::Of(shown) = self.0.entry(key).or_insert_with(|| Part::Of(Self::default())) {
                    shown.add(shapes, shapes.get(inner), rest);
                }
            }
            _ => drop(self.0.insert(key, Part::Whole)),
        }
    }

    /// Copies an object in the form of the codec, without the members outside the projection.
    pub(crate) fn copy(&self, object: &[u8], out: &mut Vec<u8>) {
        out.push(b'{');
        let start = out.len();
        let mut rest = object.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")).unwrap_or_default();
        while !rest.is_empty() {
            let (key, behind) = split(rest, b':');
            let (value, behind) = split(behind, b',');
            rest = behind;
            let Some(part) = self.0.get(key) else { continue };
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(key);
            out.push(b':');
            match part {
                Part::Of(shown) if value.starts_with(b"{") => shown.copy(value, out),
                _ => out.extend_from_slice(value),
            }
        }
        out.push(b'}');
    }
}

/// Splits JSON text without whitespace at the first delimiter outside of strings and brackets.
fn split(text: &[u8], delimiter: u8) -> (&[u8], &[u8]) {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ if depth == 0 && *byte == delimiter => {
                let (before, behind) = text.split_at(at);
                return (before, behind.get(1..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (text, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(shown: &Projection, object: &str) -> String {
        let mut out = Vec::new();
        shown.copy(object.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn whole(names: &[&str]) -> Projection {
        Projection(names.iter().map(|name| (format!("\"{name}\"").into_bytes(), Part::Whole)).collect())
    }

    #[test]
    fn members_stay_in_order_and_as_they_are() {
        let object = r#"{"a":"x,\"}{:\\","b":[{"a":1},[]],"c":{"a":2,"b":{"a":[]}},"d":null,"e":1.50e+300}"#;
        assert_eq!(copied(&whole(&["e", "a"]), object), r#"{"a":"x,\"}{:\\","e":1.50e+300}"#);
        assert_eq!(copied(&whole(&["b", "d"]), object), r#"{"b":[{"a":1},[]],"d":null}"#);
        assert_eq!(copied(&whole(&["a", "b", "c", "d", "e"]), object), object);
        assert_eq!(copied(&whole(&["x"]), object), "{}");
        let mut nested = whole(&["d"]);
        nested.0.insert(b"\"c\"".to_vec(), Part::Of(whole(&["b"])));
        assert_eq!(copied(&nested, object), r#"{"c":{"b":{"a":[]}},"d":null}"#);
        assert_eq!(copied(&nested, "{}"), "{}");
    }
}
