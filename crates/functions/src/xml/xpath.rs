//! XPath 1.0: the syntax of expressions. <https://www.w3.org/TR/xpath-10/>

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Div,
    Mod,
    Union,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Namespace,
    Parent,
    Preceding,
    PrecedingSibling,
    Own,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum NodeTest {
    Any,
    Name(String),
    /// `prefix:*`
    Prefix(String),
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub axis: Axis,
    pub test: NodeTest,
    pub predicates: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Start {
    /// Where the expression is asked.
    Context,
    Root,
    Expression(Box<Expression>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    Text(String),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
    /// An expression whose nodes predicates choose from.
    Filter(Box<Expression>, Vec<Expression>),
    Path(Start, Vec<Step>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    /// A name, which may have a prefix or be `prefix:*`.
    Name(String),
    Symbol(&'static str),
}

/// The longer ones first.
const SYMBOLS: [&str; 22] = [
    "//", "::", "..", "!=", "<=", ">=", "/", "(", ")", "[", "]", ".", "@", ",", "|", "+", "-", "=", "<", ">", "*", "$",
];

/// How deep expressions may nest.
const DEPTH_MAX: usize = 200;

/// `None` for what is no expression of XPath; variables are none here.
pub(super) fn parse(text: &str) -> Option<Expression> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.expression(0)?;
    (parser.at == parser.tokens.len()).then_some(expression)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let is_number =
            first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit()));
        let length = if is_number {
            tokens.push(Token::Number(rest[..digits].parse().ok()?));
            digits
        } else if first == '"' || first == '\'' {
            let inner = &rest[1..];
            let end = inner.find(first)?;
            tokens.push(Token::Text(inner[..end].to_owned()));
            end + 2
        } else if first.is_alphabetic() || first == '_' {
            let name = name(rest);
            tokens.push(Token::Name(name.to_owned()));
            name.len()
        } else {
            let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol))?;
            tokens.push(Token::Symbol(symbol));
            symbol.len()
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

fn name(text: &str) -> &str {
    let part = |text: &str| {
        text.find(|letter: char| !letter.is_alphanumeric() && !"_-.".contains(letter)).unwrap_or(text.len())
    };
    let first = part(text);
    let Some(behind) = text[first..].strip_prefix(':') else { return &text[..first] };
    if behind.starts_with('*') {
        return &text[..first + 2];
    }
    // Two colons end the name of an axis.
    match part(behind) {
        0 => &text[..first],
        second => &text[..first + 1 + second],
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Option<()> {
        self.take(symbol).then_some(())
    }

    /// The operator that stands here, and how strongly it binds.
    fn operator(&self) -> Option<(Operator, u8)> {
        Some(match self.peek()? {
            Token::Name(name) => match name.as_str() {
                "or" => (Operator::Or, 1),
                "and" => (Operator::And, 2),
                "div" => (Operator::Div, 6),
                "mod" => (Operator::Mod, 6),
                _ => return None,
            },
            Token::Symbol(symbol) => match *symbol {
                "=" => (Operator::Equal, 3),
                "!=" => (Operator::NotEqual, 3),
                "<" => (Operator::Less, 4),
                "<=" => (Operator::LessOrEqual, 4),
                ">" => (Operator::Greater, 4),
                ">=" => (Operator::GreaterOrEqual, 4),
                "+" => (Operator::Plus, 5),
                "-" => (Operator::Minus, 5),
                "*" => (Operator::Times, 6),
                "|" => (Operator::Union, 8),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// Operators that bind at least as strongly as `least`.
    fn expression(&mut self, least: u8) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let mut left = if self.take("-") {
            // Stronger than all but the union.
            Expression::Negative(Box::new(self.expression(7)?))
        } else {
            self.path()?
        };
        while let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength >= least) {
            self.at += 1;
            let right = self.expression(strength + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Some(left)
    }

    fn path(&mut self) -> Option<Expression> {
        if self.take("/") {
            let steps = if self.begins_step() { self.steps()? } else { Vec::new() };
            return Some(Expression::Path(Start::Root, steps));
        }
        if self.take("//") {
            let mut steps = vec![everything_below()];
            steps.extend(self.steps()?);
            return Some(Expression::Path(Start::Root, steps));
        }
        if !self.begins_primary() {
            return Some(Expression::Path(Start::Context, self.steps()?));
        }
        let mut start = self.primary()?;
        let predicates = self.predicates()?;
        if !predicates.is_empty() {
            start = Expression::Filter(Box::new(start), predicates);
        }
        let start = Start::Expression(Box::new(start));
        if self.take("/") {
            return Some(Expression::Path(start, self.steps()?));
        }
        if self.take("//") {
            let mut steps = vec![everything_below()];
            steps.extend(self.steps()?);
            return Some(Expression::Path(start, steps));
        }
        match start {
            Start::Expression(expression) => Some(*expression),
            _ => None,
        }
    }

    fn begins_step(&self) -> bool {
        match self.peek() {
            Some(Token::Name(_)) => true,
            Some(Token::Symbol(symbol)) => [".", "..", "@", "*"].contains(symbol),
            _ => false,
        }
    }

    /// A literal, a call or something in parentheses.
    fn begins_primary(&self) -> bool {
        match self.peek() {
            Some(Token::Number(_) | Token::Text(_)) => true,
            Some(Token::Symbol(symbol)) => *symbol == "(",
            Some(Token::Name(name)) => {
                let is_call = self.tokens.get(self.at + 1) == Some(&Token::Symbol("("));
                is_call && !["node", "text", "comment", "processing-instruction"].contains(&name.as_str())
            }
            None => false,
        }
    }

    fn primary(&mut self) -> Option<Expression> {
        let token = self.peek()?.clone();
        self.at += 1;
        Some(match token {
            Token::Number(value) => Expression::Number(value),
            Token::Text(text) => Expression::Text(text),
            Token::Symbol("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                inner
            }
            Token::Name(name) => {
                self.expect("(")?;
                let mut arguments = Vec::new();
                while !self.take(")") {
                    if !arguments.is_empty() {
                        self.expect(",")?;
                    }
                    arguments.push(self.expression(0)?);
                }
                Expression::Call(name, arguments)
            }
            Token::Symbol(_) => return None,
        })
    }

    fn predicates(&mut self) -> Option<Vec<Expression>> {
        let mut predicates = Vec::new();
        while self.take("[") {
            predicates.push(self.expression(0)?);
            self.expect("]")?;
        }
        Some(predicates)
    }

    fn steps(&mut self) -> Option<Vec<Step>> {
        let mut steps = vec![self.step()?];
        loop {
            if self.take("//") {
                steps.push(everything_below());
            } else if !self.take("/") {
                return Some(steps);
            }
            steps.push(self.step()?);
        }
    }

    fn step(&mut self) -> Option<Step> {
        if self.take("..") {
            return Some(Step { axis: Axis::Parent, test: NodeTest::Node, predicates: Vec::new() });
        }
        if self.take(".") {
            return Some(Step { axis: Axis::Own, test: NodeTest::Node, predicates: Vec::new() });
        }
        let axis = if self.take("@") {
            Axis::Attribute
        } else if self.tokens.get(self.at + 1) == Some(&Token::Symbol("::")) {
            let Some(Token::Name(name)) = self.peek() else { return None };
            let axis = axis(name)?;
            self.at += 2;
            axis
        } else {
            Axis::Child
        };
        let test = self.node_test()?;
        Some(Step { axis, test, predicates: self.predicates()? })
    }

    fn node_test(&mut self) -> Option<NodeTest> {
        if self.take("*") {
            return Some(NodeTest::Any);
        }
        let Some(Token::Name(name)) = self.peek().cloned() else { return None };
        self.at += 1;
        if !self.take("(") {
            return Some(match name.strip_suffix(":*") {
                Some(prefix) => NodeTest::Prefix(prefix.to_owned()),
                None => NodeTest::Name(name),
            });
        }
        let test = match name.as_str() {
            "node" => NodeTest::Node,
            "text" => NodeTest::Text,
            "comment" => NodeTest::Comment,
            "processing-instruction" => match self.peek().cloned() {
                Some(Token::Text(target)) => {
                    self.at += 1;
                    NodeTest::Instruction(Some(target))
                }
                _ => NodeTest::Instruction(None),
            },
            _ => return None,
        };
        self.expect(")")?;
        Some(test)
    }
}

/// What `//` is short for.
fn everything_below() -> Step {
    Step { axis: Axis::DescendantOrSelf, test: NodeTest::Node, predicates: Vec::new() }
}

fn axis(name: &str) -> Option<Axis> {
    Some(match name {
        "ancestor" => Axis::Ancestor,
        "ancestor-or-self" => Axis::AncestorOrSelf,
        "attribute" => Axis::Attribute,
        "child" => Axis::Child,
        "descendant" => Axis::Descendant,
        "descendant-or-self" => Axis::DescendantOrSelf,
        "following" => Axis::Following,
        "following-sibling" => Axis::FollowingSibling,
        "namespace" => Axis::Namespace,
        "parent" => Axis::Parent,
        "preceding" => Axis::Preceding,
        "preceding-sibling" => Axis::PrecedingSibling,
        "self" => Axis::Own,
        _ => return None,
    })
}
