//! Stage graphs for people: an indented text, and a graph in Graphviz's language.

use std::fmt::{self, Display, Write};

use datafusion::physical_plan::{ExecutionPlanProperties, displayable};

use super::graph::{Stage, StageGraph, StageOutput};
use firesteel_operators::WriteRouting;

impl Display for StageGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stage in &self.stages {
            writeln!(f, "{}", heading(stage))?;
            for line in displayable(stage.plan.as_ref()).indent(false).to_string().lines() {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }
}

impl StageGraph {
    /// The graph for `dot -Tsvg`.
    pub fn dot(&self) -> String {
        let mut dot = String::from("digraph stages {\n  rankdir=BT;\n  node [shape=box, fontname=\"monospace\"];\n");
        for stage in &self.stages {
            let plan = displayable(stage.plan.as_ref()).indent(false).to_string();
            let label = format!("{}\n{plan}", heading(stage)).replace('\\', "\\\\").replace('"', "\\\"");
            let label = label.trim_end().replace('\n', "\\l");
            // Writing to a String does not fail.
            let _ = writeln!(dot, "  s{} [label=\"{label}\\l\"];", stage.id);
            for input in stage.inputs() {
                let _ = writeln!(dot, "  s{input} -> s{};", stage.id);
            }
        }
        dot.push_str("}\n");
        dot
    }
}

fn heading(stage: &Stage) -> String {
    let partitions = stage.plan.output_partitioning().partition_count();
    let output = match &stage.output {
        StageOutput::Result => "answer".to_owned(),
        StageOutput::Shuffle { routing: WriteRouting::Hash { partitions, .. }, .. } => {
            format!("shuffle into {partitions} partitions")
        }
        StageOutput::Shuffle { routing: WriteRouting::Gather, .. } => "gather".to_owned(),
        StageOutput::Shuffle { routing: WriteRouting::Runs, .. } => "sorted runs".to_owned(),
    };
    let tasks = if stage.single_task { "one task".to_owned() } else { format!("partitions: {partitions}") };
    format!("Stage {} ({tasks}) -> {output}", stage.id)
}
