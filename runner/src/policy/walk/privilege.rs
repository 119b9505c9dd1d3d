//! GRANT and REVOKE, and the policies of row-level security.

use pg_query::protobuf::{GrantStmt, GrantTargetType, ObjectType, RoleSpec, RoleSpecType};
use pg_query::{Node, NodeEnum};

use super::{Walk, Walker};
use crate::policy::need::{Name, Need, Right};
use crate::policy::own::Kind;

const RLS: &[Right] = &[Right::Rls];

impl Walker<'_> {
    pub(super) fn privilege(&mut self, node: &mut NodeEnum) -> Walk {
        match node {
            NodeEnum::GrantStmt(grant) => self.grant(grant),
            NodeEnum::CreatePolicyStmt(policy) => {
                self.target_of(&mut policy.table, RLS)?;
                self.policy_roles(&policy.roles)?;
                self.maybe(&mut policy.qual)?;
                self.maybe(&mut policy.with_check)
            }
            NodeEnum::AlterPolicyStmt(policy) => {
                self.target_of(&mut policy.table, RLS)?;
                self.policy_roles(&policy.roles)?;
                self.maybe(&mut policy.qual)?;
                self.maybe(&mut policy.with_check)
            }
            _ => self.unknown(),
        }
    }

    fn grant(&mut self, grant: &mut GrantStmt) -> Walk {
        self.no_cascade(grant.behavior())?;
        if grant.targtype() != GrantTargetType::AclTargetObject {
            return self.refuse("name the objects: ALL … IN SCHEMA reaches what the statement does not name");
        }
        if grant.grant_option {
            return self.refuse("the GRANT OPTION lets the role pass the privilege on");
        }
        if grant.grantor.is_some() {
            return self.refuse("GRANTED BY speaks for another role");
        }
        if grant.privileges.is_empty() {
            return self.refuse("name the privileges: ALL grows with PostgreSQL's versions");
        }
        for privilege in &grant.privileges {
            match &privilege.node {
                Some(NodeEnum::AccessPriv(privilege)) if !privilege.priv_name.is_empty() => {
                    self.strings(&privilege.cols)?;
                }
                Some(NodeEnum::AccessPriv(_)) => return self.refuse("name the privileges"),
                _ => return self.unknown(),
            }
        }
        let kind = grant.objtype();
        for object in &mut grant.objects {
            self.granted(kind, object)?;
        }
        grant.grantees.iter().try_for_each(|grantee| self.grantee(grantee))
    }

    fn granted(&mut self, kind: ObjectType, object: &mut Node) -> Walk {
        self.node = "GrantStmt";
        let (kind, name) = match (kind, &mut object.node) {
            (ObjectType::ObjectTable | ObjectType::ObjectSequence, Some(NodeEnum::RangeVar(relation))) => {
                self.see(relation.location);
                (Kind::Relation, self.complete(relation)?)
            }
            (ObjectType::ObjectType | ObjectType::ObjectDomain, Some(NodeEnum::List(list))) => {
                (Kind::Type, self.qualify(&mut list.items)?)
            }
            (
                ObjectType::ObjectFunction | ObjectType::ObjectProcedure | ObjectType::ObjectRoutine,
                Some(NodeEnum::ObjectWithArgs(routine)),
            ) => (Kind::Routine, self.routine(routine)?),
            (ObjectType::ObjectSchema, Some(NodeEnum::String(schema))) => {
                return self.need_schema(Right::Ddl, &schema.sval);
            }
            _ => return self.refuse("privileges on such an object are not a migration's to give"),
        };
        self.check_schema(&name.schema, false)?;
        match self.own.has(kind, &name) {
            true => Ok(()),
            false => self.need(Need::Use(Name::new(name.schema, name.name))),
        }
    }

    fn grantee(&mut self, grantee: &Node) -> Walk {
        match &grantee.node {
            Some(NodeEnum::RoleSpec(role)) => {
                self.named_role(role)?;
                self.need(Need::Role(role.rolename.clone()))
            }
            _ => self.unknown(),
        }
    }

    fn named_role(&mut self, role: &RoleSpec) -> Walk {
        self.node = "RoleSpec";
        self.see(role.location);
        match role.roletype() {
            RoleSpecType::RolespecCstring if super::name::is_reserved(&role.rolename) => {
                self.refuse("PostgreSQL's own roles are the administrator's")
            }
            RoleSpecType::RolespecCstring => Ok(()),
            RoleSpecType::RolespecPublic => self.refuse("PUBLIC is everybody"),
            _ => self.refuse("name the role: who the current user is, is not the migration's business"),
        }
    }

    /// A policy is for everybody unless it names roles; that gives nobody a
    /// privilege.
    fn policy_roles(&mut self, roles: &[Node]) -> Walk {
        for role in roles {
            match &role.node {
                Some(NodeEnum::RoleSpec(role)) if role.roletype() == RoleSpecType::RolespecPublic => {}
                Some(NodeEnum::RoleSpec(role)) => self.named_role(role)?,
                _ => return self.unknown(),
            }
        }
        Ok(())
    }
}
