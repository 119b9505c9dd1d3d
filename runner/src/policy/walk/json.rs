//! SQL/JSON: what came with 16 and 17. An older server takes `json_value(…)` for
//! a call of somebody's function.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    JsonAggConstructor, JsonBehavior, JsonFuncExpr, JsonOutput, JsonTable, JsonTableColumn,
    JsonTablePathSpec, JsonValueExpr,
};

use super::{Walk, Walker};

impl Walker<'_> {
    pub(super) fn json(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::JsonObjectConstructor(json) => {
                self.since(16, "JSON_OBJECT")?;
                self.json_output(&mut json.output)?;
                self.each(&mut json.exprs)
            }
            NodeEnum::JsonArrayConstructor(json) => {
                self.since(16, "JSON_ARRAY")?;
                self.json_output(&mut json.output)?;
                self.each(&mut json.exprs)
            }
            NodeEnum::JsonArrayQueryConstructor(json) => {
                self.since(16, "JSON_ARRAY")?;
                self.json_output(&mut json.output)?;
                self.maybe(&mut json.query)
            }
            NodeEnum::JsonObjectAgg(json) => {
                self.since(16, "JSON_OBJECTAGG")?;
                self.json_aggregate(json.constructor.as_deref_mut())?;
                json.arg.as_deref_mut().map_or(Ok(()), |pair| self.json_pair(pair))
            }
            NodeEnum::JsonArrayAgg(json) => {
                self.since(16, "JSON_ARRAYAGG")?;
                self.json_aggregate(json.constructor.as_deref_mut())?;
                self.json_value(json.arg.as_deref_mut())
            }
            NodeEnum::JsonIsPredicate(json) => {
                self.since(16, "IS JSON")?;
                self.maybe(&mut json.expr)
            }
            NodeEnum::JsonKeyValue(pair) => self.json_pair(pair),
            NodeEnum::JsonValueExpr(value) => self.json_value(Some(value)),
            NodeEnum::JsonArgument(argument) => self.json_value(argument.val.as_deref_mut()),
            NodeEnum::JsonBehavior(behavior) => self.json_behavior(Some(behavior)),
            NodeEnum::JsonFuncExpr(json) => self.json_function(json),
            NodeEnum::JsonParseExpr(json) => {
                self.since(17, "JSON()")?;
                self.json_output(&mut json.output)?;
                self.json_value(json.expr.as_deref_mut())
            }
            NodeEnum::JsonScalarExpr(json) => {
                self.since(17, "JSON_SCALAR")?;
                self.json_output(&mut json.output)?;
                self.maybe(&mut json.expr)
            }
            NodeEnum::JsonSerializeExpr(json) => {
                self.since(17, "JSON_SERIALIZE")?;
                self.json_output(&mut json.output)?;
                self.json_value(json.expr.as_deref_mut())
            }
            NodeEnum::JsonTable(table) => self.json_table(table),
            NodeEnum::JsonTableColumn(column) => self.json_column(column),
            NodeEnum::JsonTablePathSpec(path) => self.json_path(Some(path)),
            NodeEnum::JsonOutput(output) => self.maybe_type(&mut output.type_name),
            NodeEnum::JsonFormat(_) | NodeEnum::JsonReturning(_) => Ok(()),
            _ => self.unknown(),
        }
    }

    fn json_function(&mut self, json: &mut JsonFuncExpr) -> Walk {
        self.since(17, "JSON_VALUE, JSON_QUERY and JSON_EXISTS")?;
        self.json_value(json.context_item.as_deref_mut())?;
        self.maybe(&mut json.pathspec)?;
        self.each(&mut json.passing)?;
        self.json_output(&mut json.output)?;
        self.json_behavior(json.on_empty.as_deref_mut())?;
        self.json_behavior(json.on_error.as_deref_mut())
    }

    fn json_table(&mut self, table: &mut JsonTable) -> Walk {
        self.since(17, "JSON_TABLE")?;
        self.json_value(table.context_item.as_deref_mut())?;
        self.json_path(table.pathspec.as_deref_mut())?;
        self.each(&mut table.passing)?;
        self.each(&mut table.columns)?;
        self.json_behavior(table.on_error.as_deref_mut())
    }

    fn json_column(&mut self, column: &mut JsonTableColumn) -> Walk {
        self.maybe_type(&mut column.type_name)?;
        self.json_path(column.pathspec.as_deref_mut())?;
        self.each(&mut column.columns)?;
        self.json_behavior(column.on_empty.as_deref_mut())?;
        self.json_behavior(column.on_error.as_deref_mut())
    }

    fn json_aggregate(&mut self, constructor: Option<&mut JsonAggConstructor>) -> Walk {
        let Some(constructor) = constructor else { return Ok(()) };
        self.json_output(&mut constructor.output)?;
        self.maybe(&mut constructor.agg_filter)?;
        self.each(&mut constructor.agg_order)?;
        constructor.over.as_deref_mut().map_or(Ok(()), |window| self.window(window))
    }

    fn json_pair(&mut self, pair: &mut pg_query::protobuf::JsonKeyValue) -> Walk {
        self.maybe(&mut pair.key)?;
        self.json_value(pair.value.as_deref_mut())
    }

    fn json_value(&mut self, value: Option<&mut JsonValueExpr>) -> Walk {
        let Some(value) = value else { return Ok(()) };
        self.maybe(&mut value.raw_expr)?;
        self.maybe(&mut value.formatted_expr)
    }

    fn json_behavior(&mut self, behavior: Option<&mut JsonBehavior>) -> Walk {
        behavior.map_or(Ok(()), |behavior| self.maybe(&mut behavior.expr))
    }

    fn json_path(&mut self, path: Option<&mut JsonTablePathSpec>) -> Walk {
        path.map_or(Ok(()), |path| self.maybe(&mut path.string))
    }

    fn json_output(&mut self, output: &mut Option<JsonOutput>) -> Walk {
        output.as_mut().map_or(Ok(()), |output| self.maybe_type(&mut output.type_name))
    }
}
