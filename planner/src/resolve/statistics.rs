//! Statistics of DataFrames, made of other relations.

use firesteel_functions::Typed;
use firesteel_spec::{DataType, Expr, Relation, RelationKind, SparkError, SparkResult};

use super::attribute::Scope;
use super::frame_functions::function;
use super::project::Item;
use super::{Resolved, Resolver};

impl Resolver<'_> {
    pub fn statistics(&self, kind: &RelationKind, outer: Option<&Scope<'_>>) -> SparkResult<Resolved> {
        use RelationKind as R;
        match kind {
            R::Covariance { input, left, right } => self.one_number(input, "covar_samp", left, right, "cov", outer),
            R::Correlation { input, left, right, method } => {
                if method.as_deref().is_some_and(|method| method != "pearson") {
                    return Err(SparkError::unsupported("a correlation other than Pearson's"));
                }
                self.one_number(input, "corr", left, right, "corr", outer)
            }
            R::Describe { input, columns } => {
                let statistics = ["count", "mean", "stddev", "min", "max"].map(str::to_owned);
                self.summary(input, columns, &statistics, outer)
            }
            R::Summary { input, statistics } => {
                let all = ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"].map(str::to_owned);
                let statistics = if statistics.is_empty() { &all[..] } else { statistics };
                self.summary(input, &[], statistics, outer)
            }
            R::ApproxQuantile { input, columns, probabilities, relative_error } => {
                self.quantiles(input, columns, probabilities, *relative_error, outer)
            }
            R::FrequentItems { input, columns, support } => self.frequent_items(input, columns, *support, outer),
            R::SampleBy { input, column, fractions, seed } => {
                self.sample_by(input, column, fractions, seed.unwrap_or(0), outer)
            }
            other => Err(SparkError::unsupported(relation_name(other))),
        }
    }

    fn one_number(
        &self,
        input: &Relation,
        aggregate: &str,
        left: &str,
        right: &str,
        name: &str,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let input = self.relation(input, outer)?;
        let number = |column: &str| Expr::attribute(column).cast(DataType::Double);
        let value = function(aggregate, vec![number(left), number(right)]).alias(name);
        self.project(input, &[value], outer)
    }

    /// A row for each statistic, a text column for each column of numbers and texts.
    fn summary(
        &self,
        input: &Relation,
        columns: &[String],
        statistics: &[String],
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let input = self.relation(input, outer)?;
        let chosen: Vec<_> = self
            .columns_named(&input, columns)?
            .into_iter()
            .filter(|column| column.data_type.is_numeric() || column.data_type.is_string())
            .collect();
        let mut aggregates: Vec<Item> = Vec::new();
        for statistic in statistics {
            for column in &chosen {
                let typed = self.statistic(statistic, column.typed())?;
                let typed = super::aggregate::as_type(self, typed, &DataType::STRING)?;
                aggregates.push(Item::named(typed, format!("{statistic} {}", column.id)));
            }
        }
        let aggregated =
            if aggregates.is_empty() { self.one_row(1)? } else { self.global_aggregate(input, aggregates)? };
        let mut rows = Vec::with_capacity(statistics.len());
        for (index, statistic) in statistics.iter().enumerate() {
            let mut pairs = vec![Typed::string("summary"), Typed::string(statistic)];
            let own = aggregated.output.iter().skip(index * chosen.len()).take(chosen.len());
            for (column, value) in chosen.iter().zip(own) {
                pairs.extend([Typed::string(&column.name), value.typed()]);
            }
            rows.push(self.call("named_struct", pairs)?);
        }
        let array = self.call("array", rows)?;
        let id = self.fresh_id();
        let below = self.project_items(aggregated, vec![Item::named(array, &id)])?;
        let mut resolved =
            self.lateral_view(below, &function("inline", vec![Expr::attribute(&id)]), false, None, &[], outer)?;
        resolved.output.remove(0);
        Ok(resolved)
    }

    fn statistic(&self, statistic: &str, column: Typed) -> SparkResult<Typed> {
        let is_text = column.data_type.is_string();
        let number = |column: Typed| {
            let evaluation = firesteel_functions::CastEvaluation::Try;
            firesteel_functions::cast(column, &DataType::Double, evaluation, self.settings())
        };
        match statistic {
            "count" | "min" | "max" => self.aggregate_call(statistic, vec![column]),
            "count_distinct" => self.aggregate_call("count_distinct", vec![column]),
            "approx_count_distinct" => self.aggregate_call("approx_count_distinct", vec![column]),
            "mean" | "stddev" if is_text => self.aggregate_call(statistic, vec![number(column)?]),
            "mean" | "stddev" => self.aggregate_call(statistic, vec![column]),
            percent => {
                let value = percent.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
                let value = value
                    .filter(|value| (0.0..=100.0).contains(value))
                    .ok_or_else(|| SparkError::new("INVALID_STATISTIC", format!("there is no statistic {percent}")))?;
                let column = if is_text { number(column)? } else { column };
                self.aggregate_call("percentile_approx", vec![column, Typed::double(value / 100.0), Typed::int(10_000)])
            }
        }
    }

    fn aggregate_call(&self, name: &str, arguments: Vec<Typed>) -> SparkResult<Typed> {
        self.call(name, arguments).map(super::aggregate::with_declared_type)
    }

    fn quantiles(
        &self,
        input: &Relation,
        columns: &[String],
        probabilities: &[f64],
        relative_error: f64,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let input = self.relation(input, outer)?;
        let chosen = self.columns_named(&input, columns)?;
        let accuracy = if relative_error > 0.0 { (1.0 / relative_error).clamp(1.0, 1e6) as i32 } else { 1_000_000 };
        let wanted = self.call("array", probabilities.iter().map(|value| Typed::double(*value)).collect())?;
        let mut lists = Vec::with_capacity(chosen.len());
        for column in &chosen {
            let number = super::aggregate::as_type(self, column.typed(), &DataType::Double)?;
            lists.push(self.aggregate_call("percentile_approx", vec![number, wanted.clone(), Typed::int(accuracy)])?);
        }
        let all = self.call("array", lists)?;
        self.global_aggregate(input, vec![Item::named(all, "approx_quantile")])
    }

    fn frequent_items(
        &self,
        input: &Relation,
        columns: &[String],
        support: f64,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        if !(1e-4..=1.0).contains(&support) {
            return Err(SparkError::new(
                "INVALID_PARAMETER_VALUE.SUPPORT",
                format!("the support of freqItems is from 1e-4 to 1, and not {support}"),
            ));
        }
        let input = self.relation(input, outer)?;
        let size = (1.0 / support) as i64;
        let items = self.columns_named(&input, columns)?.into_iter().map(|column| {
            let name = format!("{}_freqItems", column.name);
            let items = self.aggregate_call("freq_items", vec![column.typed(), Typed::long(size)])?;
            Ok(Item::named(items, name))
        });
        let items = items.collect::<SparkResult<Vec<_>>>()?;
        self.global_aggregate(input, items)
    }

    fn sample_by(
        &self,
        input: &Relation,
        column: &Expr,
        fractions: &[(firesteel_spec::Literal, f64)],
        seed: i64,
        outer: Option<&Scope<'_>>,
    ) -> SparkResult<Resolved> {
        let resolved = self.relation(input, outer)?;
        let scope = Scope::of(&resolved.output, &resolved.hidden, outer);
        let key = self.expr(column, &scope)?;
        let mut branches = Vec::new();
        for (stratum, fraction) in fractions {
            let stratum = firesteel_functions::literal(stratum, self.settings())?;
            branches.extend([self.call("<=>", vec![key.clone(), stratum])?, Typed::double(*fraction)]);
        }
        branches.push(Typed::double(0.0));
        let fraction = self.call("when", branches)?;
        let condition = self.call("<", vec![self.call("rand", vec![Typed::long(seed)])?, fraction])?;
        let plan = super::build(
            datafusion::logical_expr::LogicalPlanBuilder::new(resolved.plan.clone()).filter(condition.expr),
        )?;
        Ok(Resolved { plan, ..resolved })
    }
}

/// The name of a relation that is not resolved here.
fn relation_name(kind: &RelationKind) -> &'static str {
    use RelationKind as R;
    match kind {
        R::Table { .. } | R::DataSource(_) => "a stream as a source",
        R::TableAsOf { .. } => "time travel",
        R::Catalog(_) | R::Command(_) => "a command inside a query",
        R::Tail { .. } => "tail inside a query",
        R::Sample { .. } => "a sample with replacement",
        R::Deduplicate { .. } => "dropDuplicatesWithinWatermark",
        R::Parse { .. } => "parsing a DataFrame of texts",
        R::WithWatermark { .. } => "a watermark",
        R::ShowString { .. } | R::HtmlString { .. } => "show inside a query",
        _ => "this relation",
    }
}
