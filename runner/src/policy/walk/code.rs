//! Functions, procedures, DO and CALL.

use pg_query::protobuf::{
    AlterFunctionStmt, CallStmt, CreateFunctionStmt, DefElem, DoStmt, FunctionParameterMode, ObjectType,
    VariableSetKind, VariableSetStmt,
};
use pg_query::{Node, NodeEnum, ParserOptions};

use super::plpgsql::Signature;
use super::{Use, Walk, Walker};
use crate::policy::need::{Name, Need, Right};
use crate::policy::own::{Arity, Kind};
use crate::revision::CodeGrant;

const DDL: &[Right] = &[Right::Ddl];

/// The languages whose bodies can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Sql,
    Plpgsql,
}

impl Walker<'_> {
    pub(super) fn code(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::CreateFunctionStmt(create) => self.create_function(create),
            NodeEnum::AlterFunctionStmt(alter) => self.alter_function(alter),
            NodeEnum::DoStmt(block) => self.block(block),
            NodeEnum::CallStmt(call) => self.call_procedure(call),
            _ => self.unknown(),
        }
    }

    fn create_function(&mut self, create: &mut CreateFunctionStmt) -> Walk {
        let name = self.qualify(&mut create.funcname)?;
        self.check_new_name(&name.name)?;
        self.need_object(Kind::Routine, DDL, &name)?;
        let arity = self.parameters(create)?;
        if let Some(returned) = &mut create.return_type {
            self.return_type(returned)?;
        }
        let language = self.function_options(create)?;
        self.node = "CreateFunctionStmt";
        let outer = self.within.replace(name.clone());
        let signature = Signature::of(create);
        let options = &mut create.options;
        let body = create.sql_body.as_deref_mut();
        let result = self.with_code(|walker| match (language, body) {
            (_, Some(body)) => walker.sql_body(body),
            (Language::Sql, None) => walker.sql_text(&text_of(options)),
            (Language::Plpgsql, None) => walker.plpgsql(&signature, &text_of(options)),
        });
        self.within = outer;
        result?;
        if !create.replace {
            self.made_routine(Kind::Routine, &name, arity);
        }
        Ok(())
    }

    /// Runs the check of a body, unless unchecked code is granted. While
    /// recording, a body that fails the check needs unchecked code.
    fn with_code(&mut self, check: impl FnOnce(&mut Self) -> Walk) -> Walk {
        let grant = self.code_grant()?;
        if grant == Some(CodeGrant::Unchecked) {
            return Ok(());
        }
        let (needs, changes, scope) = (self.needs.len(), self.changes.len(), self.ctes.len());
        let outer = (self.is_verbatim, self.is_placed, self.node, self.depth, self.usage);
        (self.is_verbatim, self.is_placed, self.usage) = (true, true, Use::Read);
        let result = check(self);
        (self.is_verbatim, self.is_placed, self.usage) = (outer.0, outer.1, outer.4);
        // What is made when the code runs is not made by this statement.
        self.changes.truncate(changes);
        self.ctes.truncate(scope);
        match result {
            Ok(()) => self.need(Need::Code(CodeGrant::Vetted)),
            Err(_) if grant.is_none() && self.grants.is_none() && self.context.allows_unchecked_code => {
                (self.node, self.depth) = (outer.2, outer.3);
                self.needs.truncate(needs);
                self.need(Need::Code(CodeGrant::Unchecked))
            }
            Err(mut stop) => {
                stop.why = format!("in the body: {}", stop.why);
                Err(stop)
            }
        }
    }

    fn parameters(&mut self, create: &mut CreateFunctionStmt) -> Walk<Arity> {
        let mut arity = Arity { least: 0, most: 0 };
        for parameter in &mut create.parameters {
            let Some(NodeEnum::FunctionParameter(parameter)) = &mut parameter.node else {
                return self.unknown();
            };
            self.node = "FunctionParameter";
            self.maybe_type(&mut parameter.arg_type)?;
            self.maybe(&mut parameter.defexpr)?;
            match parameter.mode() {
                FunctionParameterMode::FuncParamTable => continue,
                FunctionParameterMode::FuncParamOut if !create.is_procedure => continue,
                FunctionParameterMode::FuncParamVariadic => arity.most = usize::MAX,
                _ => arity.most = arity.most.saturating_add(1),
            }
            arity.least += usize::from(parameter.defexpr.is_none());
        }
        Ok(arity)
    }

    /// What a function may say of itself; its language.
    fn function_options(&mut self, create: &mut CreateFunctionStmt) -> Walk<Language> {
        let mut language = create.sql_body.is_some().then_some(Language::Sql);
        for option in &mut create.options {
            let Some(NodeEnum::DefElem(option)) = &mut option.node else { return self.unknown() };
            self.node = "DefElem";
            self.see(option.location);
            match option.defname.as_str() {
                "language" => language = Some(self.language(option)?),
                "as" => {}
                _ => self.function_option(option)?,
            }
        }
        match language {
            Some(Language::Plpgsql) if create.sql_body.is_some() => self.unknown(),
            Some(language) => Ok(language),
            None => self.refuse("the function's language is missing"),
        }
    }

    fn language(&self, option: &DefElem) -> Walk<Language> {
        match option.arg.as_deref().and_then(|arg| arg.node.as_ref()) {
            Some(NodeEnum::String(name)) if name.sval == "sql" => Ok(Language::Sql),
            Some(NodeEnum::String(name)) if name.sval == "plpgsql" => Ok(Language::Plpgsql),
            _ => self.refuse("only the languages sql and plpgsql may be used"),
        }
    }

    fn function_option(&mut self, option: &mut DefElem) -> Walk {
        match (option.defname.as_str(), option.arg.as_deref().and_then(|arg| arg.node.as_ref())) {
            ("volatility" | "parallel", Some(NodeEnum::String(_))) => Ok(()),
            ("strict", Some(NodeEnum::Boolean(_))) => Ok(()),
            ("cost" | "rows", Some(NodeEnum::Integer(_) | NodeEnum::Float(_))) => Ok(()),
            ("security", Some(NodeEnum::Boolean(definer))) if !definer.boolval => Ok(()),
            ("security", _) => self.refuse("SECURITY DEFINER lets others act with the owner's rights"),
            ("set", Some(NodeEnum::VariableSetStmt(set))) => self.function_setting(set),
            (name, _) => self.refuse(format!("the option `{name}` of a function is the administrator's")),
        }
    }

    /// A function may pin its search path, to schemas that are spelt out.
    fn function_setting(&self, set: &VariableSetStmt) -> Walk {
        let is_plain = set.kind() == VariableSetKind::VarSetValue
            && set.args.iter().all(|arg| matches!(&arg.node, Some(NodeEnum::AConst(_))));
        match set.name.as_str() {
            "search_path" if is_plain => Ok(()),
            _ => self.refuse("a function may set its search_path only"),
        }
    }

    /// BEGIN ATOMIC and RETURN: the statements are in the tree.
    fn sql_body(&mut self, body: &mut Node) -> Walk {
        // Here names are looked up now, and the text is ours: they are completed.
        self.is_verbatim = false;
        self.is_placed = false;
        match &mut body.node {
            Some(NodeEnum::List(list)) => list.items.iter_mut().try_for_each(|item| self.sql_body_part(item)),
            _ => self.statement(body),
        }
    }

    fn sql_body_part(&mut self, part: &mut Node) -> Walk {
        match &mut part.node {
            Some(NodeEnum::List(list)) => list.items.iter_mut().try_for_each(|item| self.statement(item)),
            _ => self.statement(part),
        }
    }

    /// A body that is a text: it is sent as it is.
    fn sql_text(&mut self, texts: &[String]) -> Walk {
        let [text] = texts else { return self.refuse("a body in one text is expected") };
        crate::policy::gate::check_comments(text).map_err(|error| self.stop(error.to_string()))?;
        let parsed = pg_query::parse(text, ParserOptions::DEFAULT);
        let mut parsed = parsed.map_err(|error| self.stop(format!("it cannot be read: {error}")))?;
        for raw in &mut parsed.protobuf.stmts {
            match raw.stmt.as_deref_mut() {
                Some(statement) => self.statement(statement)?,
                None => return self.unknown(),
            }
        }
        Ok(())
    }

    fn alter_function(&mut self, alter: &mut AlterFunctionStmt) -> Walk {
        if !matches!(
            alter.objtype(),
            ObjectType::ObjectFunction | ObjectType::ObjectProcedure | ObjectType::ObjectRoutine
        ) {
            return self.unknown();
        }
        let Some(routine) = &mut alter.func else { return self.unknown() };
        let name: Name = self.routine(routine)?;
        self.need_object(Kind::Routine, DDL, &name)?;
        for action in &mut alter.actions {
            let Some(NodeEnum::DefElem(action)) = &mut action.node else { return self.unknown() };
            self.node = "DefElem";
            self.see(action.location);
            self.function_option(action)?;
        }
        self.code_grant()?;
        self.need(Need::Code(CodeGrant::Vetted))
    }

    fn block(&mut self, block: &mut DoStmt) -> Walk {
        let mut language = Language::Plpgsql;
        for option in &block.args {
            let option = self.option(option)?;
            match option.defname.as_str() {
                "as" => {}
                "language" => language = self.language(option)?,
                _ => return self.unknown(),
            }
        }
        self.node = "DoStmt";
        if language != Language::Plpgsql {
            return self.refuse("DO takes plpgsql");
        }
        let texts = text_of(&block.args);
        self.with_code(|walker| walker.plpgsql(&Signature::default(), &texts))
    }

    fn call_procedure(&mut self, call: &mut CallStmt) -> Walk {
        match call.funccall.as_deref_mut() {
            Some(call) => self.call(call),
            None => self.unknown(),
        }
    }
}

/// The texts of AS.
fn text_of(options: &[Node]) -> Vec<String> {
    let text = |node: &Node| match &node.node {
        Some(NodeEnum::String(text)) => Some(text.sval.clone()),
        _ => None,
    };
    let option = options.iter().find_map(|option| match &option.node {
        Some(NodeEnum::DefElem(option)) if option.defname == "as" => option.arg.as_deref(),
        _ => None,
    });
    match option.and_then(|arg| arg.node.as_ref()) {
        Some(NodeEnum::List(list)) => list.items.iter().filter_map(text).collect(),
        Some(NodeEnum::String(one)) => vec![one.sval.clone()],
        _ => Vec::new(),
    }
}
