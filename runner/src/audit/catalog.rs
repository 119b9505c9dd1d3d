//! PostgreSQL's catalogs, one by one: what of a row says what the object is,
//! whose part it is, and whether it is still the same.
//!
//! See PostgreSQL's manual, "System Catalogs".

use super::sql::{function_name, qualified, relation_name};

/// How the rows of one catalog are read. All fields but the first are SQL
/// expressions over the row `t`.
pub(super) struct Catalog {
    pub(super) name: &'static str,
    oid: &'static str,
    sub: &'static str,
    /// The oid of the schema that the object is in.
    namespace: &'static str,
    label: &'static str,
    /// The catalog and the oid of what the object is a part of.
    part: (&'static str, &'static str),
    owner: &'static str,
    /// The privileges; never NULL where there is such a thing.
    acl: &'static str,
    /// A text that is the same as long as nothing that matters has changed.
    /// Columns that the server keeps for itself (`reltuples`, `relhastriggers`
    /// and the like) are left out.
    state: &'static str,
    /// What else the rules ask for, as JSON.
    facts: &'static str,
    /// Another object that this one leads to.
    other: Other,
}

enum Other {
    None,
    /// The relation itself, with its ancestors.
    Itself,
    Relation(&'static str),
    Function(&'static str),
}

const NONE: &str = "NULL::pg_catalog.text";

const PLAIN: Catalog = Catalog {
    name: "",
    oid: "t.oid",
    sub: "0",
    namespace: "NULL::pg_catalog.oid",
    label: NONE,
    part: ("", "NULL::pg_catalog.oid"),
    owner: "NULL::pg_catalog.oid",
    acl: "NULL::pg_catalog.aclitem[]",
    state: NONE,
    facts: NONE,
    other: Other::None,
};

/// A catalog whose objects are what they are by name alone: no capability
/// allows them, so nothing more is asked.
const fn named(name: &'static str, label: &'static str, namespace: &'static str) -> Catalog {
    Catalog { name, label, namespace, ..PLAIN }
}

/// The same for objects without a schema of their own.
const fn global(name: &'static str, label: &'static str) -> Catalog {
    Catalog { name, label, ..PLAIN }
}

/// The same for parts of another object.
const fn part(
    name: &'static str,
    oid: &'static str,
    label: &'static str,
    part: (&'static str, &'static str),
) -> Catalog {
    Catalog { name, oid, label, part, ..PLAIN }
}

/// Catalogs whose rows say nothing that another catalog does not say, or only
/// what the server notes for itself.
pub(super) const SILENT: [&str; 7] = [
    "pg_depend",
    "pg_init_privs",
    "pg_partitioned_table",
    "pg_range",
    "pg_shdepend",
    "pg_statistic",
    "pg_statistic_ext_data",
];

/// The catalogs that are read. A catalog that is neither here nor in [`SILENT`]
/// (the server keeps it from ordinary logins, or is newer than we are) is
/// reported as soon as a row of it was written.
pub(super) const CATALOGS: [Catalog; 48] = [
    Catalog {
        name: "pg_class",
        namespace: "t.relnamespace",
        label: "t.relname",
        part: (
            "pg_class",
            "coalesce((SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = t.oid), \
             (SELECT d.refobjid FROM pg_catalog.pg_depend d WHERE t.relkind = 'S' \
              AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = t.oid \
              AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
              AND d.deptype = ANY ('{a,i}'::pg_catalog.\"char\"[]) LIMIT 1))",
        ),
        owner: "t.relowner",
        acl: "coalesce(t.relacl, pg_catalog.acldefault( \
              CASE WHEN t.relkind = 'S' THEN 's'::pg_catalog.\"char\" ELSE 'r'::pg_catalog.\"char\" END, t.relowner))",
        state: "pg_catalog.concat_ws('|', t.relname, t.relnamespace, t.reloptions, t.relreplident, \
                t.reltablespace, t.relam, t.relpersistence, t.relispartition, t.relpartbound, t.relnatts, \
                t.relchecks)",
        facts: "pg_catalog.json_build_object('kind', t.relkind, 'rls', t.relrowsecurity, \
                'force', t.relforcerowsecurity, 'file', t.relfilenode, 'size', {size}, \
                'rows', pg_catalog.pg_stat_get_live_tuples(t.oid), \
                'storage', pg_catalog.concat_ws('|', t.relpersistence, t.relam, t.reltablespace))",
        other: Other::Itself,
        ..PLAIN
    },
    Catalog {
        name: "pg_attribute",
        oid: "t.attrelid",
        sub: "t.attnum",
        label: "t.attname",
        part: ("pg_class", "t.attrelid"),
        acl: "coalesce(t.attacl, '{}'::pg_catalog.aclitem[])",
        state: "pg_catalog.concat_ws('|', t.attname, t.atttypid, t.atttypmod, t.attnotnull, t.atthasdef, \
                t.attidentity, t.attgenerated, t.attisdropped, t.attcollation, t.attstattarget, \
                t.attstorage, t.attcompression, t.attoptions, t.attinhcount)",
        facts: "pg_catalog.json_build_object('dropped', t.attisdropped)",
        ..PLAIN
    },
    Catalog {
        name: "pg_attrdef",
        label: "(SELECT a.attname FROM pg_catalog.pg_attribute a \
                WHERE a.attrelid = t.adrelid AND a.attnum = t.adnum)",
        part: ("pg_class", "t.adrelid"),
        state: "t.adbin::pg_catalog.text",
        ..PLAIN
    },
    Catalog {
        name: "pg_constraint",
        namespace: "t.connamespace",
        label: "t.conname",
        part: ("pg_class", "t.conrelid"),
        state: "pg_catalog.concat_ws('|', t.contype, t.condeferrable, t.condeferred, t.convalidated, \
                t.confrelid, t.conkey, t.confkey, t.confupdtype, t.confdeltype, t.confmatchtype, t.conbin)",
        facts: "pg_catalog.json_build_object('parent', t.conparentid, 'domain', \
                (SELECT y.typname FROM pg_catalog.pg_type y WHERE y.oid = t.contypid))",
        other: Other::Relation("t.confrelid"),
        ..PLAIN
    },
    Catalog {
        name: "pg_index",
        oid: "t.indexrelid",
        label: "(SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = t.indexrelid)",
        part: ("pg_class", "t.indrelid"),
        state: "pg_catalog.concat_ws('|', t.indisunique, t.indisprimary, t.indisexclusion, t.indimmediate, \
                t.indisclustered, t.indisreplident, t.indkey, t.indclass, t.indpred)",
        ..PLAIN
    },
    Catalog {
        name: "pg_trigger",
        label: "t.tgname",
        part: ("pg_class", "t.tgrelid"),
        state: "pg_catalog.concat_ws('|', t.tgenabled, t.tgfoid, t.tgtype, t.tgattr, t.tgargs, t.tgqual)",
        facts: "pg_catalog.json_build_object('internal', t.tgisinternal, 'enabled', t.tgenabled, \
                'parent', t.tgparentid, 'constraint', t.tgconstraint)",
        other: Other::Function("t.tgfoid"),
        ..PLAIN
    },
    Catalog {
        name: "pg_rewrite",
        label: "t.rulename",
        part: ("pg_class", "t.ev_class"),
        state: "pg_catalog.concat_ws('|', t.ev_type, t.ev_enabled, t.is_instead, t.ev_qual, t.ev_action)",
        ..PLAIN
    },
    Catalog {
        name: "pg_policy",
        label: "t.polname",
        part: ("pg_class", "t.polrelid"),
        state: "pg_catalog.concat_ws('|', t.polcmd, t.polpermissive, t.polroles, t.polqual, t.polwithcheck)",
        ..PLAIN
    },
    Catalog {
        name: "pg_inherits",
        oid: "t.inhrelid",
        sub: "t.inhseqno",
        part: ("pg_class", "t.inhrelid"),
        state: "t.inhparent::pg_catalog.text",
        other: Other::Relation("t.inhparent"),
        ..PLAIN
    },
    Catalog {
        name: "pg_sequence",
        oid: "t.seqrelid",
        part: ("pg_class", "t.seqrelid"),
        state: "pg_catalog.concat_ws('|', t.seqtypid, t.seqstart, t.seqincrement, t.seqmax, t.seqmin, \
                t.seqcache, t.seqcycle)",
        ..PLAIN
    },
    Catalog {
        name: "pg_statistic_ext",
        namespace: "t.stxnamespace",
        label: "t.stxname",
        part: ("pg_class", "t.stxrelid"),
        owner: "t.stxowner",
        state: "pg_catalog.concat_ws('|', t.stxname, t.stxnamespace, t.stxkeys, t.stxkind, t.stxexprs)",
        ..PLAIN
    },
    Catalog {
        name: "pg_type",
        namespace: "t.typnamespace",
        label: "t.typname",
        part: ("pg_class", "t.typrelid"),
        owner: "t.typowner",
        acl: "coalesce(t.typacl, pg_catalog.acldefault('T'::pg_catalog.\"char\", t.typowner))",
        state: "pg_catalog.concat_ws('|', t.typname, t.typnamespace, t.typtype, t.typnotnull, t.typbasetype, \
                t.typtypmod, t.typdefault, t.typstorage, t.typcollation)",
        facts: "pg_catalog.json_build_object('array', \
                (SELECT e.typarray = t.oid FROM pg_catalog.pg_type e WHERE e.oid = t.typelem))",
        ..PLAIN
    },
    Catalog {
        name: "pg_enum",
        namespace: "(SELECT y.typnamespace FROM pg_catalog.pg_type y WHERE y.oid = t.enumtypid)",
        label: "(SELECT y.typname FROM pg_catalog.pg_type y WHERE y.oid = t.enumtypid)",
        part: ("pg_type", "t.enumtypid"),
        state: "t.enumlabel::pg_catalog.text",
        ..PLAIN
    },
    Catalog {
        name: "pg_proc",
        namespace: "t.pronamespace",
        label: "t.proname",
        owner: "t.proowner",
        acl: "coalesce(t.proacl, pg_catalog.acldefault('f'::pg_catalog.\"char\", t.proowner))",
        state: "pg_catalog.concat_ws('|', t.proname, t.pronamespace, t.prolang, t.prosecdef, t.proleakproof, \
                t.proisstrict, t.proretset, t.provolatile, t.proparallel, t.prorettype, t.proargtypes, \
                t.proconfig, t.prokind, t.prosrc, t.probin, t.prosqlbody)",
        facts: "pg_catalog.json_build_object('definer', t.prosecdef, 'kind', t.prokind, 'language', \
                (SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = t.prolang), \
                'constructor', t.prosrc)",
        ..PLAIN
    },
    Catalog {
        name: "pg_namespace",
        namespace: "t.oid",
        label: "t.nspname",
        owner: "t.nspowner",
        acl: "coalesce(t.nspacl, pg_catalog.acldefault('n'::pg_catalog.\"char\", t.nspowner))",
        state: "t.nspname::pg_catalog.text",
        ..PLAIN
    },
    Catalog {
        name: "pg_extension",
        namespace: "t.extnamespace",
        label: "t.extname",
        owner: "t.extowner",
        state: "pg_catalog.concat_ws('|', t.extnamespace, t.extversion)",
        ..PLAIN
    },
    Catalog {
        name: "pg_description",
        oid: "t.objoid",
        sub: "t.objsubid",
        label: "(pg_catalog.pg_identify_object(t.classoid, t.objoid, t.objsubid)).name",
        namespace: "(SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = \
                    (pg_catalog.pg_identify_object(t.classoid, t.objoid, 0)).schema::pg_catalog.name)",
        part: (
            "pg_class",
            "coalesce((SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = t.objoid \
              AND t.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass), \
             (SELECT c.conrelid FROM pg_catalog.pg_constraint c WHERE c.oid = t.objoid \
              AND t.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass), \
             (SELECT g.tgrelid FROM pg_catalog.pg_trigger g WHERE g.oid = t.objoid \
              AND t.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass), \
             (SELECT p.polrelid FROM pg_catalog.pg_policy p WHERE p.oid = t.objoid \
              AND t.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass))",
        ),
        state: "t.description",
        facts: "pg_catalog.json_build_object('class', \
                (SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = t.classoid), \
                'object', (pg_catalog.pg_identify_object(t.classoid, t.objoid, t.objsubid)).identity)",
        ..PLAIN
    },
    named("pg_operator", "t.oprname", "t.oprnamespace"),
    named("pg_opclass", "t.opcname", "t.opcnamespace"),
    named("pg_opfamily", "t.opfname", "t.opfnamespace"),
    part("pg_amop", "t.oid", "t.amopstrategy::pg_catalog.text", ("pg_opfamily", "t.amopfamily")),
    part("pg_amproc", "t.oid", "t.amprocnum::pg_catalog.text", ("pg_opfamily", "t.amprocfamily")),
    part("pg_aggregate", "t.aggfnoid::pg_catalog.oid", "NULL::pg_catalog.text", ("pg_proc", "t.aggfnoid")),
    named("pg_conversion", "t.conname", "t.connamespace"),
    named("pg_collation", "t.collname", "t.collnamespace"),
    named("pg_ts_config", "t.cfgname", "t.cfgnamespace"),
    named("pg_ts_dict", "t.dictname", "t.dictnamespace"),
    named("pg_ts_parser", "t.prsname", "t.prsnamespace"),
    named("pg_ts_template", "t.tmplname", "t.tmplnamespace"),
    part("pg_ts_config_map", "t.mapcfg", "t.maptokentype::pg_catalog.text", ("pg_ts_config", "t.mapcfg")),
    global("pg_language", "t.lanname"),
    Catalog {
        name: "pg_cast",
        label: "pg_catalog.concat(pg_catalog.format_type(t.castsource, NULL), ' AS ', \
                pg_catalog.format_type(t.casttarget, NULL))",
        facts: "pg_catalog.json_build_object('constructor', \
                (SELECT p.prosrc FROM pg_catalog.pg_proc p WHERE p.oid = t.castfunc))",
        ..PLAIN
    },
    global("pg_transform", "pg_catalog.format_type(t.trftype, NULL)"),
    global("pg_am", "t.amname"),
    global("pg_foreign_data_wrapper", "t.fdwname"),
    global("pg_foreign_server", "t.srvname"),
    part("pg_foreign_table", "t.ftrelid", "NULL::pg_catalog.text", ("pg_class", "t.ftrelid")),
    global("pg_event_trigger", "t.evtname"),
    global("pg_publication", "t.pubname"),
    part("pg_publication_rel", "t.oid", "NULL::pg_catalog.text", ("pg_publication", "t.prpubid")),
    part("pg_publication_namespace", "t.oid", "NULL::pg_catalog.text", ("pg_publication", "t.pnpubid")),
    Catalog {
        name: "pg_db_role_setting",
        oid: "t.setrole",
        sub: "t.setdatabase",
        label: "pg_catalog.concat('of role ', pg_catalog.pg_get_userbyid(t.setrole))",
        ..PLAIN
    },
    Catalog {
        name: "pg_auth_members",
        oid: "t.roleid",
        sub: "t.member",
        label: "pg_catalog.concat('of ', pg_catalog.pg_get_userbyid(t.member), ' in ', \
                pg_catalog.pg_get_userbyid(t.roleid))",
        ..PLAIN
    },
    global("pg_default_acl", "pg_catalog.concat('of role ', pg_catalog.pg_get_userbyid(t.defaclrole))"),
    global("pg_largeobject_metadata", "t.oid::pg_catalog.text"),
    global("pg_tablespace", "t.spcname"),
    global("pg_database", "t.datname"),
    Catalog { name: "pg_parameter_acl", label: "t.parname", ..PLAIN },
];

/// Which side of a change is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side<'a> {
    /// The versions that the transaction wrote: its own session.
    New {
        /// `pg_current_xact_id()`.
        transaction: &'a str,
    },
    /// The versions that it made obsolete, in a session that sees the committed
    /// state.
    Committed {
        /// `pg_current_xact_id()` of the transaction, not of this session.
        transaction: &'a str,
    },
    /// The same through a cursor of the transaction's own session, which was
    /// opened before.
    Before,
}

impl Catalog {
    /// The SELECT for one side.
    pub(super) fn select(&self, side: Side<'_>) -> String {
        let (side_name, xid, condition) = match side {
            Side::New { transaction } => ("new", "t.xmin", written_by(transaction, "t.xmin", "0")),
            Side::Committed { transaction } => {
                let ours = format!("(SELECT pg_catalog.age('{}'::pg_catalog.xid))", short(transaction));
                // An age below one is no transaction's (a lock that several share).
                let written = written_by(transaction, "t.xmax", &ours);
                ("old", "t.xmax", format!("CASE WHEN pg_catalog.age(t.xmax) >= 1 THEN {written} END"))
            }
            // Whose they are is found out later: this text is sent before the
            // transaction has done anything.
            Side::Before => ("old", "t.xmax", "pg_catalog.age(t.xmax) <= 0".to_owned()),
        };
        let (part_catalog, part_oid) = self.part;
        // Opening the file of a table that is being changed waits for its lock.
        let size = match side {
            Side::New { .. } => {
                "CASE WHEN t.relkind = ANY ('{r,m}'::pg_catalog.\"char\"[]) \
                                 THEN pg_catalog.pg_relation_size(t.oid) END"
            }
            Side::Committed { .. } | Side::Before => "NULL::pg_catalog.int8",
        };
        let facts = self.facts.replace("{size}", size);
        let none = || "NULL::pg_catalog.json".to_owned();
        let part_name = if part_catalog == "pg_class" { relation_name(part_oid) } else { none() };
        let other = match self.other {
            Other::None => none(),
            Other::Itself => relation_name("t.oid"),
            Other::Relation(oid) => relation_name(oid),
            Other::Function(oid) => function_name(oid),
        };
        qualified(&format!(
            "SELECT '{side_name}', '{}', {}::pg_catalog.text, {}::pg_catalog.text, t.ctid::pg_catalog.text, \
             {xid}::pg_catalog.text, \
             (SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n WHERE n.oid = {}), \
             {}::pg_catalog.text, '{part_catalog}', {part_oid}::pg_catalog.oid::pg_catalog.text, \
             {part_name}::pg_catalog.text, pg_catalog.pg_get_userbyid({})::pg_catalog.text, \
             pg_catalog.to_json({}::pg_catalog.text[])::pg_catalog.text, {}::pg_catalog.text, \
             {facts}::pg_catalog.text, {other}::pg_catalog.text \
             FROM pg_catalog.{} t WHERE {condition}{}",
            self.name,
            self.oid,
            self.sub,
            self.namespace,
            self.label,
            self.owner,
            self.acl,
            self.state,
            self.name,
            self.further(),
        ))
    }

    /// Rows that are never of interest, and are many.
    fn further(&self) -> &'static str {
        match self.name {
            // The system's own columns come and go with their table.
            "pg_attribute" => " AND t.attnum > 0",
            _ => "",
        }
    }
}

/// The condition that a transaction which is at least as young as ours, and has
/// not ended, wrote the version.
fn written_by(transaction: &str, xid: &str, ours: &str) -> String {
    // `age` counts from a fixed transaction, so that the difference of two ages
    // is the distance of two ids of 32 bits.
    format!(
        "CASE WHEN pg_catalog.age({xid}) <= {ours} THEN pg_catalog.pg_xact_status((({transaction})::pg_catalog.int8 \
         + ({} - pg_catalog.age({xid}))::pg_catalog.int8)::pg_catalog.text::pg_catalog.xid8) = 'in progress' END",
        format_args!("pg_catalog.age('{}'::pg_catalog.xid)", short(transaction)),
    )
}

/// The lower 32 bits of a transaction's id, which is what rows hold.
fn short(transaction: &str) -> u32 {
    let id: u64 = transaction.parse().expect("it was read as a number");
    u32::try_from(id & u64::from(u32::MAX)).expect("it has 32 bits")
}

/// The catalog of this name.
pub(super) fn find(name: &str) -> Option<&'static Catalog> {
    CATALOGS.iter().find(|catalog| catalog.name == name)
}
