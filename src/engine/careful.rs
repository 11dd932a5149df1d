//! Keeps projections with lambdas out of file scans: there the engine numbers a lambda's parameters wrongly.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_expr::HigherOrderFunctionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

use super::build_side::BuildSide;
use super::direct::Direct;
use super::once::Once;

/// The rule that moves projections into scans, unless one holds a lambda.
#[derive(Debug)]
pub(super) struct CarefulProjections(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

/// The rules with that one in the place of the engine's own, and what goes before and after it.
pub(super) fn rules(
    rules: &[Arc<dyn PhysicalOptimizerRule + Send + Sync>],
) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut careful: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> = Vec::with_capacity(rules.len() + 1);
    for rule in rules {
        match rule.name() {
            "ProjectionPushdown" => {
                careful.push(Arc::new(Direct));
                careful.push(Arc::new(CarefulProjections(rule.clone())));
            }
            "join_selection" => careful.extend([Arc::new(BuildSide) as _, rule.clone()]),
            "FilterPushdown" => careful.extend([rule.clone(), Arc::new(Once) as _]),
            _ => careful.push(rule.clone()),
        }
    }
    careful
}

impl PhysicalOptimizerRule for CarefulProjections {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let mut lambdas = false;
        plan.apply(|node| {
            if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
                for projected in projection.expr() {
                    projected.expr.apply(|expression| {
                        lambdas |= expression.downcast_ref::<HigherOrderFunctionExpr>().is_some();
                        Ok(TreeNodeRecursion::Continue)
                    })?;
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if lambdas {
            Ok(plan)
        } else {
            self.0.optimize(plan, config)
        }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}
