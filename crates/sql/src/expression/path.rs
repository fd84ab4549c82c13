//! `v:a.b[0]['c']`: a part of a variant, which becomes a call of `variant_get` with a JSON path.

use firesteel_spec::{Expr, Literal, SparkResult};

use crate::lexer::Kind;
use crate::parser::Parser;

impl Parser<'_> {
    pub(super) fn variant_path(&mut self, variant: Expr) -> SparkResult<Expr> {
        self.expect_symbol(":")?;
        let mut path = String::from("$");
        if !self.symbol("[") {
            self.path_field(&mut path)?;
        }
        loop {
            if self.take_symbol(".") {
                self.path_field(&mut path)?;
            } else if self.symbol("[") && self.kind(1) == Kind::Text {
                self.advance();
                let key = self.text_literal()?;
                path.push_str(&format!("['{key}']"));
                self.expect_symbol("]")?;
            } else if self.symbol("[") && self.kind(1) == Kind::Integer {
                self.advance();
                path.push_str(&format!("[{}]", self.token_text(0)));
                self.advance();
                self.expect_symbol("]")?;
            } else {
                break;
            }
        }
        let path = Expr::Literal(Literal::String(path));
        let data_type = Expr::Literal(Literal::String("variant".to_owned()));
        Ok(Expr::function("variant_get", vec![variant, path, data_type]))
    }

    fn path_field(&mut self, path: &mut String) -> SparkResult<()> {
        let quoted = self.kind(0) == Kind::Quoted;
        let field = self.identifier()?;
        path.push_str(&if quoted { format!("['{field}']") } else { format!(".{field}") });
        Ok(())
    }
}

/// A part of a variant is called by the last field of its path, if no name is given.
pub(super) fn name_of_extraction(expr: Expr) -> Expr {
    let name = match expr.unlocated() {
        Expr::Function(call) if call.name == ["variant_get"] => match call.arguments.as_slice() {
            [_, Expr::Literal(Literal::String(path)), Expr::Literal(Literal::String(data_type))]
                if data_type == "variant" && !written_as_call(&expr) =>
            {
                last_field(path)
            }
            _ => None,
        },
        _ => None,
    };
    match name {
        Some(name) => expr.alias(name),
        None => expr,
    }
}

/// A user's own call of `variant_get` keeps its name.
fn written_as_call(expr: &Expr) -> bool {
    let Expr::Located { origin, .. } = expr else { return true };
    let firesteel_spec::Origin::Sql(context) = origin.as_ref() else { return true };
    context.fragment.trim_start().to_ascii_lowercase().starts_with("variant_get")
}

fn last_field(path: &str) -> Option<String> {
    let mut parts = path.split(['.', '[', ']', '\'', '$']).filter(|part| !part.is_empty());
    parts.next_back().map(str::to_owned)
}
