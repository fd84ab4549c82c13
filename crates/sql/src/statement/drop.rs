//! `DROP`.

use firesteel_spec::{Command, SparkResult};

use crate::parser::Parser;

impl Parser<'_> {
    pub(super) fn drop_statement(&mut self) -> SparkResult<Command> {
        self.expect("DROP")?;
        if self.take_any(&["DATABASE", "SCHEMA", "NAMESPACE"]).is_some() {
            let if_exists = self.take_all("IF EXISTS");
            let name = self.name()?;
            let cascade = self.take("CASCADE");
            if !cascade {
                self.take("RESTRICT");
            }
            return Ok(Command::DropDatabase { name, if_exists, cascade });
        }
        let temporary = self.take_any(&["TEMPORARY", "TEMP"]).is_some();
        if temporary && self.take_any(&["VARIABLE", "VAR"]).is_some() {
            let if_exists = self.take_all("IF EXISTS");
            return Ok(Command::DropVariable { name: self.name()?, if_exists });
        }
        if self.take("FUNCTION") {
            let if_exists = self.take_all("IF EXISTS");
            return Ok(Command::DropFunction { name: self.name()?, if_exists, temporary });
        }
        let view = self.is("VIEW");
        if !temporary && (self.take("TABLE") || self.take("VIEW")) {
            let if_exists = self.take_all("IF EXISTS");
            let name = self.name()?;
            let purge = !view && self.take("PURGE");
            return Ok(Command::DropTable { name, if_exists, purge, view });
        }
        match self.word(0) {
            Some(word) if !temporary => {
                let name = format!("DROP {}", word.to_ascii_uppercase());
                Ok(self.unsupported(&name))
            }
            _ => Err(self.unexpected()),
        }
    }
}
