//! XPath 1.0: what expressions mean for a document. Names are compared with their prefixes, as Java does without
//! namespaces.

use super::tree::{Document, Kind, Place};
use super::xpath::{Axis, Expression, NodeTest, Operator, Start, Step};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// In document order.
    Nodes(Vec<Place>),
    Bool(bool),
    Number(f64),
    Text(String),
}

/// Where an expression is asked.
#[derive(Debug, Clone, Copy)]
struct Context {
    node: Place,
    /// From 1 on.
    position: usize,
    size: usize,
}

/// The expression's value for the whole document; `None` if it calls what does not exist.
pub(super) fn evaluate(document: &Document, expression: &Expression) -> Option<Value> {
    let context = Context { node: Document::ROOT, position: 1, size: 1 };
    Evaluation { document }.value(expression, context)
}

impl Value {
    pub fn text(&self, document: &Document) -> String {
        match self {
            Self::Nodes(nodes) => nodes.first().map_or_else(String::new, |node| document.text_of(*node)),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => number_text(*value),
            Self::Text(text) => text.clone(),
        }
    }

    pub fn number(&self, document: &Document) -> f64 {
        match self {
            Self::Nodes(_) => read_number(&self.text(document)),
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(value) => *value,
            Self::Text(text) => read_number(text),
        }
    }

    pub fn bool(&self) -> bool {
        match self {
            Self::Nodes(nodes) => !nodes.is_empty(),
            Self::Bool(value) => *value,
            Self::Number(value) => *value != 0.0 && !value.is_nan(),
            Self::Text(text) => !text.is_empty(),
        }
    }
}

/// Digits with a point and a minus sign before them; all else is no number.
fn read_number(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let is_plain = text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_plain { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

fn number_text(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        value if value.is_infinite() => format!("{}Infinity", if value < 0.0 { "-" } else { "" }),
        0.0 => "0".to_owned(),
        value => value.to_string(),
    }
}

struct Evaluation<'a> {
    document: &'a Document,
}

impl Evaluation<'_> {
    fn value(&self, expression: &Expression, context: Context) -> Option<Value> {
        Some(match expression {
            Expression::Number(value) => Value::Number(*value),
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Negative(inner) => Value::Number(-self.number(inner, context)?),
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right, context)?,
            Expression::Call(name, arguments) => self.call(name, arguments, context)?,
            Expression::Filter(inner, predicates) => {
                let nodes = self.nodes(inner, context)?;
                Value::Nodes(self.chosen(nodes, predicates)?)
            }
            Expression::Path(start, steps) => {
                let start = match start {
                    Start::Context => vec![context.node],
                    Start::Root => vec![Document::ROOT],
                    Start::Expression(expression) => self.nodes(expression, context)?,
                };
                Value::Nodes(steps.iter().try_fold(start, |nodes, step| self.step(&nodes, step))?)
            }
        })
    }

    fn nodes(&self, expression: &Expression, context: Context) -> Option<Vec<Place>> {
        match self.value(expression, context)? {
            Value::Nodes(nodes) => Some(nodes),
            _ => None,
        }
    }

    fn number(&self, expression: &Expression, context: Context) -> Option<f64> {
        Some(self.value(expression, context)?.number(self.document))
    }

    fn text(&self, expression: &Expression, context: Context) -> Option<String> {
        Some(self.value(expression, context)?.text(self.document))
    }

    fn binary(&self, operator: Operator, left: &Expression, right: &Expression, context: Context) -> Option<Value> {
        use Operator as O;
        let numbers = || Some((self.number(left, context)?, self.number(right, context)?));
        Some(match operator {
            O::Or => Value::Bool(self.value(left, context)?.bool() || self.value(right, context)?.bool()),
            O::And => Value::Bool(self.value(left, context)?.bool() && self.value(right, context)?.bool()),
            O::Union => {
                let mut nodes = self.nodes(left, context)?;
                nodes.extend(self.nodes(right, context)?);
                Value::Nodes(in_order(nodes))
            }
            O::Plus => numbers().map(|(left, right)| Value::Number(left + right))?,
            O::Minus => numbers().map(|(left, right)| Value::Number(left - right))?,
            O::Times => numbers().map(|(left, right)| Value::Number(left * right))?,
            O::Div => numbers().map(|(left, right)| Value::Number(left / right))?,
            O::Mod => numbers().map(|(left, right)| Value::Number(left % right))?,
            comparison => {
                let (left, right) = (self.value(left, context)?, self.value(right, context)?);
                Value::Bool(self.compared(comparison, &left, &right))
            }
        })
    }

    /// Of a set of nodes, any node will do.
    fn compared(&self, operator: Operator, left: &Value, right: &Value) -> bool {
        let texts =
            |nodes: &[Place]| nodes.iter().map(|node| Value::Text(self.document.text_of(*node))).collect::<Vec<_>>();
        match (left, right) {
            (Value::Nodes(_), Value::Bool(_)) | (Value::Bool(_), Value::Nodes(_)) => {
                self.compared(operator, &Value::Bool(left.bool()), &Value::Bool(right.bool()))
            }
            (Value::Nodes(nodes), other) => texts(nodes).iter().any(|text| self.compared(operator, text, other)),
            (other, Value::Nodes(nodes)) => texts(nodes).iter().any(|text| self.compared(operator, other, text)),
            _ => {
                let is_equal = || match (left, right) {
                    (Value::Bool(_), _) | (_, Value::Bool(_)) => left.bool() == right.bool(),
                    (Value::Number(_), _) | (_, Value::Number(_)) => {
                        left.number(self.document) == right.number(self.document)
                    }
                    _ => left.text(self.document) == right.text(self.document),
                };
                let (a, b) = (left.number(self.document), right.number(self.document));
                match operator {
                    Operator::Equal => is_equal(),
                    Operator::NotEqual => !is_equal(),
                    Operator::Less => a < b,
                    Operator::LessOrEqual => a <= b,
                    Operator::Greater => a > b,
                    _ => a >= b,
                }
            }
        }
    }

    fn step(&self, from: &[Place], step: &Step) -> Option<Vec<Place>> {
        let mut found = Vec::new();
        for node in from {
            let mut nodes = self.along(step.axis, *node);
            nodes.retain(|node| self.passes(*node, &step.test, step.axis));
            found.extend(self.chosen(nodes, &step.predicates)?);
        }
        Some(in_order(found))
    }

    /// The nodes for which all predicates are true. A number is true at its position.
    fn chosen(&self, mut nodes: Vec<Place>, predicates: &[Expression]) -> Option<Vec<Place>> {
        for predicate in predicates {
            let size = nodes.len();
            let mut kept = Vec::new();
            for (index, node) in nodes.into_iter().enumerate() {
                let value = self.value(predicate, Context { node, position: index + 1, size })?;
                let is_true = match value {
                    Value::Number(position) => position == (index + 1) as f64,
                    other => other.bool(),
                };
                if is_true {
                    kept.push(node);
                }
            }
            nodes = kept;
        }
        Some(nodes)
    }

    /// The nodes along an axis, the nearest first.
    fn along(&self, axis: Axis, node: Place) -> Vec<Place> {
        let parent = self.document.node(node).parent;
        let siblings = |after: bool| {
            let is_attribute = self.document.node(node).kind == Kind::Attribute;
            let all = parent.filter(|_| !is_attribute).map(|parent| self.document.node(parent).children.as_slice());
            let beside = all.unwrap_or_default().iter().copied();
            let mut beside: Vec<_> = beside.filter(|other| if after { *other > node } else { *other < node }).collect();
            if !after {
                beside.reverse();
            }
            beside
        };
        match axis {
            Axis::Own => vec![node],
            Axis::Child => self.document.node(node).children.clone(),
            Axis::Attribute => self.document.node(node).attributes.clone(),
            Axis::Namespace => Vec::new(),
            Axis::Parent => parent.into_iter().collect(),
            Axis::Ancestor => self.ancestors(node),
            Axis::AncestorOrSelf => [vec![node], self.ancestors(node)].concat(),
            Axis::Descendant => self.below(node),
            Axis::DescendantOrSelf => [vec![node], self.below(node)].concat(),
            Axis::FollowingSibling => siblings(true),
            Axis::PrecedingSibling => siblings(false),
            Axis::Following => {
                let line = [vec![node], self.ancestors(node)].concat();
                let after = line.into_iter().flat_map(|of| self.along(Axis::FollowingSibling, of));
                in_order(after.flat_map(|of| [vec![of], self.below(of)].concat()).collect())
            }
            Axis::Preceding => {
                let line = [vec![node], self.ancestors(node)].concat();
                let before = line.into_iter().flat_map(|of| self.along(Axis::PrecedingSibling, of));
                let mut all = in_order(before.flat_map(|of| [vec![of], self.below(of)].concat()).collect());
                all.reverse();
                all
            }
        }
    }

    fn ancestors(&self, node: Place) -> Vec<Place> {
        std::iter::successors(self.document.node(node).parent, |node| self.document.node(*node).parent).collect()
    }

    fn below(&self, node: Place) -> Vec<Place> {
        let children = self.document.node(node).children.iter();
        children.flat_map(|child| [vec![*child], self.below(*child)].concat()).collect()
    }

    fn passes(&self, node: Place, test: &NodeTest, axis: Axis) -> bool {
        let node = self.document.node(node);
        let has_name = node.kind == if axis == Axis::Attribute { Kind::Attribute } else { Kind::Element };
        match test {
            NodeTest::Any => has_name,
            // Without namespaces there is none that a prefix could stand for.
            NodeTest::Name(name) => has_name && node.name == *name && !name.contains(':'),
            NodeTest::Prefix(_) => false,
            NodeTest::Node => true,
            NodeTest::Text => node.kind == Kind::Text,
            NodeTest::Comment => node.kind == Kind::Comment,
            NodeTest::Instruction(target) => {
                node.kind == Kind::Instruction && target.as_ref().is_none_or(|target| *target == node.name)
            }
        }
    }

    fn call(&self, name: &str, arguments: &[Expression], context: Context) -> Option<Value> {
        let here = || Value::Nodes(vec![context.node]);
        let value = |index: usize| match arguments.get(index) {
            Some(argument) => self.value(argument, context),
            None => Some(here()),
        };
        let text = |index: usize| self.text(arguments.get(index)?, context);
        let number = |index: usize| self.number(arguments.get(index)?, context);
        let named = || match value(0)? {
            Value::Nodes(nodes) => {
                Some(nodes.first().map_or_else(String::new, |node| self.document.node(*node).name.clone()))
            }
            _ => None,
        };
        Some(match (name, arguments.len()) {
            ("last", 0) => Value::Number(context.size as f64),
            ("position", 0) => Value::Number(context.position as f64),
            ("count", 1) => Value::Number(self.nodes(&arguments[0], context)?.len() as f64),
            ("sum", 1) => {
                let nodes = self.nodes(&arguments[0], context)?;
                Value::Number(nodes.iter().map(|node| read_number(&self.document.text_of(*node))).sum())
            }
            ("name", 0..=1) => Value::Text(named()?),
            ("local-name", 0..=1) => {
                let name = named()?;
                Value::Text(name.rsplit(':').next().unwrap_or_default().to_owned())
            }
            ("namespace-uri", 0..=1) => Value::Text(String::new()),
            ("string", 0..=1) => Value::Text(value(0)?.text(self.document)),
            ("number", 0..=1) => Value::Number(value(0)?.number(self.document)),
            ("boolean", 1) => Value::Bool(value(0)?.bool()),
            ("not", 1) => Value::Bool(!value(0)?.bool()),
            ("true", 0) => Value::Bool(true),
            ("false", 0) => Value::Bool(false),
            ("concat", 2..) => Value::Text((0..arguments.len()).map(text).collect::<Option<Vec<_>>>()?.concat()),
            ("starts-with", 2) => Value::Bool(text(0)?.starts_with(&text(1)?)),
            ("contains", 2) => Value::Bool(text(0)?.contains(&text(1)?)),
            ("substring-before", 2) => {
                Value::Text(text(0)?.split_once(&text(1)?).map_or("", |(before, _)| before).to_owned())
            }
            ("substring-after", 2) => {
                Value::Text(text(0)?.split_once(&text(1)?).map_or("", |(_, after)| after).to_owned())
            }
            ("substring", 2..=3) => {
                let length = if arguments.len() == 3 { number(2)? } else { f64::INFINITY };
                Value::Text(substring(&text(0)?, number(1)?, length))
            }
            ("string-length", 0..=1) => Value::Number(value(0)?.text(self.document).chars().count() as f64),
            ("normalize-space", 0..=1) => {
                let text = value(0)?.text(self.document);
                let words: Vec<&str> = text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
                Value::Text(words.join(" "))
            }
            ("translate", 3) => Value::Text(translated(&text(0)?, &text(1)?, &text(2)?)),
            ("floor", 1) => Value::Number(number(0)?.floor()),
            ("ceiling", 1) => Value::Number(number(0)?.ceil()),
            // Halves towards positive infinity.
            ("round", 1) => Value::Number((number(0)? + 0.5).floor()),
            _ => return None,
        })
    }
}

fn in_order(mut nodes: Vec<Place>) -> Vec<Place> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// From a position that counts from 1 on, both ends rounded.
fn substring(text: &str, start: f64, length: f64) -> String {
    let round = |value: f64| (value + 0.5).floor();
    let (from, to) = (round(start), round(start) + round(length));
    let is_in = |index: usize| {
        let position = (index + 1) as f64;
        position >= from && position < to
    };
    text.chars().enumerate().filter(|(index, _)| is_in(*index)).map(|(_, letter)| letter).collect()
}

fn translated(text: &str, from: &str, to: &str) -> String {
    let replaced = |letter: char| match from.chars().position(|candidate| candidate == letter) {
        Some(index) => to.chars().nth(index),
        None => Some(letter),
    };
    text.chars().filter_map(replaced).collect()
}
