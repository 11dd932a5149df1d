//! `reduce(array, start, (state, x) -> state, state -> result)`: the elements taken into a state one after the other.
//!
//! All rows go on together: their first elements, then their second ones, so a lambda is run once per place and not once
//! per element.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array, new_null_array};
use arrow::compute::{cast, interleave, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature, HigherOrderUDF,
    HigherOrderUDFImpl, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use super::element_at::bounds;

/// The function.
pub(in crate::engine) fn function() -> HigherOrderUDF {
    let shape = vec![
        ValueOrLambda::Value(()),
        ValueOrLambda::Value(()),
        ValueOrLambda::Lambda(()),
        ValueOrLambda::Lambda(()),
    ];
    let signature = HigherOrderSignature::exact(shape, Volatility::Immutable);
    HigherOrderUDF::new_from_impl(Reduce { signature })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Reduce {
    signature: HigherOrderSignature,
}

fn element(list: &DataType) -> Result<DataType> {
    match list {
        DataType::List(element) => Ok(element.data_type().clone()),
        DataType::Null => Ok(DataType::Null),
        other => datafusion::common::plan_err!("reduce takes an array, not {other}"),
    }
}

fn field(kind: DataType) -> FieldRef {
    Arc::new(Field::new("", kind, true))
}

impl HigherOrderUDFImpl for Reduce {
    fn name(&self) -> &str {
        "reduce"
    }

    fn signature(&self) -> &HigherOrderSignature {
        &self.signature
    }

    fn coerce_value_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        Ok(kinds
            .iter()
            .map(|kind| match kind {
                DataType::Null => DataType::new_list(DataType::Null, true),
                DataType::FixedSizeList(element, _) => DataType::List(element.clone()),
                kind => kind.clone(),
            })
            .collect())
    }

    fn lambda_parameters(
        &self,
        _step: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let [
            ValueOrLambda::Value(list),
            ValueOrLambda::Value(start),
            ValueOrLambda::Lambda(merged),
            _,
        ] = fields
        else {
            return datafusion::common::plan_err!("reduce takes an array, a start and two lambdas");
        };
        let element = field(element(list.data_type())?);
        Ok(match merged {
            // What the first lambda makes is the state's type: a start of 0 may become a sum of fractions.
            Some(merged) => {
                let state = field(merged.data_type().clone());
                LambdaParametersProgress::Complete(vec![vec![state.clone(), element], vec![state]])
            }
            None => {
                let state = field(start.data_type().clone());
                LambdaParametersProgress::Partial(vec![Some(vec![state, element]), None])
            }
        })
    }

    fn coerce_values_for_lambdas(&self, fields: &[ValueOrLambda<DataType, DataType>]) -> Result<Option<Vec<DataType>>> {
        match fields {
            [ValueOrLambda::Value(list), _, ValueOrLambda::Lambda(state), _] => {
                Ok(Some(vec![list.clone(), state.clone()]))
            }
            _ => Ok(None),
        }
    }

    fn return_field_from_args(&self, arguments: HigherOrderReturnFieldArgs) -> Result<FieldRef> {
        match arguments.arg_fields {
            [.., ValueOrLambda::Lambda(result)] => Ok(field(result.data_type().clone())),
            _ => datafusion::common::plan_err!("reduce takes an array, a start and two lambdas"),
        }
    }

    fn invoke_with_args(&self, arguments: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [
            ValueOrLambda::Value(list),
            ValueOrLambda::Value(start),
            ValueOrLambda::Lambda(merge),
            ValueOrLambda::Lambda(finish),
        ] = arguments.args.as_slice()
        else {
            return datafusion::common::exec_err!("reduce takes an array, a start and two lambdas");
        };
        let (list, mut state) = (list.to_array(rows)?, start.to_array(rows)?);
        let lists = list.as_list::<i32>();
        let lengths: Vec<usize> = (0..rows)
            .map(|row| {
                if lists.is_valid(row) {
                    bounds(lists.value_offsets(), row).len()
                } else {
                    0
                }
            })
            .collect();
        for place in 0..lengths.iter().copied().max().unwrap_or(0) {
            let going: Vec<usize> = (0..rows)
                .filter(|row| lengths.get(*row).is_some_and(|length| *length > place))
                .collect();
            let index = |of: &dyn Fn(usize) -> usize| -> UInt64Array {
                going.iter().map(|row| u64::try_from(of(*row)).ok()).collect()
            };
            let at_rows = index(&|row| row);
            let elements = take(
                lists.values(),
                &index(&|row| bounds(lists.value_offsets(), row).start + place),
                None,
            )?;
            let held = take(&state, &at_rows, None)?;
            let spread = |columns: &[ArrayRef]| {
                columns
                    .iter()
                    .map(|column| Ok(take(column, &at_rows, None)?))
                    .collect::<Result<Vec<_>>>()
            };
            let merged = merge.evaluate(&[&|| Ok(held.clone()), &|| Ok(elements.clone())], spread)?;
            let merged = cast(&merged.into_array(going.len())?, state.data_type())?;
            let mut sources: Vec<(usize, usize)> = (0..rows).map(|row| (0, row)).collect();
            for (made, row) in going.iter().enumerate() {
                if let Some(source) = sources.get_mut(*row) {
                    *source = (1, made);
                }
            }
            state = interleave(&[state.as_ref(), merged.as_ref()], &sources)?;
        }
        let result = finish.evaluate(&[&|| Ok(state.clone())], |columns| Ok(columns.to_vec()))?;
        let result = result.into_array(rows)?;
        if lists.null_count() == 0 {
            return Ok(ColumnarValue::Array(result));
        }
        let missing = new_null_array(result.data_type(), 1);
        let sources: Vec<(usize, usize)> = (0..rows)
            .map(|row| if lists.is_valid(row) { (0, row) } else { (1, 0) })
            .collect();
        Ok(ColumnarValue::Array(interleave(
            &[result.as_ref(), missing.as_ref()],
            &sources,
        )?))
    }
}
